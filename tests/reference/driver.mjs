// Lets the reference client do what it is told, and tells everything that comes of it.
//
// One JSON object a line. On stdin: {"id", "client", "call", "args"}. Clients are made by the calls "login" (with
// credentials and options) and "loginQR" (with options); any other call is a method of that client's API, or of its
// listener ("listener.start"). {"$base64": "…"} in the arguments is bytes. On stdout: {"id", "result"} or
// {"id", "error"} once for each call, and {"client", "event", "args"} for whatever happens meanwhile.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { LoginQRCallbackEventType, Zalo } from "zca-js";

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const events = [
    "connected", "cipher_key", "disconnected", "closed", "error", "message", "undo", "reaction", "typing",
    "delivered_messages", "seen_messages", "group_event", "friend_event", "old_messages", "old_reactions",
    "upload_attachment",
];
const clients = new Map();

const bytes = (key, value) => (typeof value?.$base64 === "string" ? Buffer.from(value.$base64, "base64") : value);

function plain(key, value) {
    if (typeof value === "bigint") return value.toString();
    if (value instanceof Error) return { name: value.name, message: value.message, code: value.code ?? null };
    return value;
}

const write = (line) => process.stdout.write(JSON.stringify(line, plain) + "\n");
const tell = (client, event, args) => write({ client, event, args });

async function imageMetadataGetter(path) {
    const png = await readFile(path);
    return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), size: png.length };
}

const zalo = (options) =>
    new Zalo({ selfListen: true, checkUpdate: false, logging: false, imageMetadataGetter, ...options });

function keep(client, api) {
    for (const event of events) api.listener.on(event, (...args) => tell(client, event, args));
    clients.set(client, api);
    return api.getOwnId();
}

const logins = {
    login: async (client, credentials, options) => keep(client, await zalo(options).login(credentials)),
    loginQR: async (client, options) => {
        const told = (event) => tell(client, LoginQRCallbackEventType[event.type], [event.data]);
        return keep(client, await zalo(options).loginQR({ userAgent }, told));
    },
};

async function made({ client, call, args }) {
    if (call in logins) return logins[call](client, ...args);
    const api = clients.get(client);
    const [method, owner] = call.startsWith("listener.") ? [call.slice("listener.".length), api.listener] : [call, api];
    return owner[method](...args);
}

// What the client throws outside of a call ends a process; here it is told.
process.on("uncaughtException", (error) => tell(null, "unhandled", [error]));

for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line, bytes);
    made(order).then(
        (result) => write({ id: order.id, result: result ?? null }),
        (error) => write({ id: order.id, error }),
    );
}
process.exit(0);
