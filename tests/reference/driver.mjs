// Drives the reference client against the simulator: logs in, tells what it hears, sends what it is told to.
// One JSON object a line: orders come in on stdin, everything that happens goes out on stdout.
//
//   node driver.mjs qr           log in with a QR code, started by the first order {"do": "login"}
//   node driver.mjs cookie       log in with {"do": "login", "credentials": {cookie, imei, userAgent}}

import { createInterface } from "node:readline";
import { LoginQRCallbackEventType, ThreadType, Zalo } from "zca-js";

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const way = process.argv[2];
const zalo = new Zalo({ selfListen: true, checkUpdate: false, logging: false });
let api;

const tell = (what, more = {}) => process.stdout.write(JSON.stringify({ what, ...more }) + "\n");

function told(event) {
    const name = LoginQRCallbackEventType[event.type];
    if (name === "QRCodeGenerated") tell(name, { image: event.data.image });
    else if (name === "QRCodeScanned") tell(name, { name: event.data.display_name });
    else tell(name);
}

async function login({ credentials }) {
    api = way === "qr" ? await zalo.loginQR({ userAgent }, told) : await zalo.login(credentials);
    api.listener.on("cipher_key", () => tell("listening"));
    api.listener.on("message", ({ type, threadId, isSelf, data }) =>
        tell("message", {
            thread: type === ThreadType.Group ? "group" : "user",
            threadId,
            isSelf,
            text: data.content,
            sender: data.dName,
            msgId: data.msgId,
        }));
    api.listener.on("old_messages", (messages, type) =>
        tell("old_messages", { thread: type === ThreadType.Group ? "group" : "user", texts: messages.map((m) => m.data.content) }));
    api.listener.on("error", (error) => tell("error", { message: String(error) }));
    api.listener.on("closed", (code) => tell("closed", { code }));
    tell("loggedIn", { ownId: api.getOwnId() });
    api.listener.start();
}

async function whoIsThere() {
    const { profile } = await api.fetchAccountInfo();
    const friends = await api.getAllFriends();
    const { gridVerMap } = await api.getAllGroups();
    const { gridInfoMap } = await api.getGroupInfo(Object.keys(gridVerMap));
    tell("directory", {
        me: profile.displayName,
        friends: friends.map((friend) => friend.displayName),
        groups: Object.values(gridInfoMap).map((group) => group.name),
    });
}

const orders = {
    login,
    directory: whoIsThere,
    async send({ text, threadId, thread }) {
        const type = thread === "group" ? ThreadType.Group : ThreadType.User;
        const { message } = await api.sendMessage(text, threadId, type);
        tell("sent", { msgId: String(message.msgId) });
    },
    async old({ thread }) {
        api.listener.requestOldMessages(thread === "group" ? ThreadType.Group : ThreadType.User, null);
    },
    async stop() {
        api?.listener.stop();
        process.exit(0);
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    orders[order.do](order).catch((error) => tell("failed", { order: order.do, message: error.message, code: error.code }));
}
process.exit(0);
