// The reference client, unmodified, counting messages: logs in with the credentials in CREDENTIALS, listens, and
// ends once it has heard as many messages as the first argument says. The package is that of tests/reference.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/reference/package.json", import.meta.url));
const { Zalo } = require("zca-js");

const wanted = Number(process.argv[2]);
const zalo = new Zalo({ selfListen: true, checkUpdate: false, logging: false });
const api = await zalo.login(JSON.parse(process.env.CREDENTIALS));
let heard = 0;

api.listener.on("message", () => {
    if (++heard === wanted) process.exit(0);
});
api.listener.on("error", (error) => {
    console.error(String(error));
    process.exit(1);
});
api.listener.start();
