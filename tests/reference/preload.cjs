// Sends every TLS connection of this process to the simulator. The server name, and so the certificate that is
// asked for and checked, stays the real host's; NODE_EXTRA_CA_CERTS brings the simulator's authority.
"use strict";

const tls = require("node:tls");

const port = Number(process.env.SIMULATOR_PORT);
const connect = tls.connect;

tls.connect = function (...args) {
    const options = args.find((arg) => typeof arg === "object" && arg !== null) ?? {};
    const callback = args.find((arg) => typeof arg === "function");
    const host = options.host ?? args.find((arg) => typeof arg === "string");
    return connect.call(this, { ...options, host: "127.0.0.1", port, servername: options.servername || host }, callback);
};
