"""An MCP server by hand, with the handshake of 2025, that behaves as its argument says.

`changing` has another tool after each call, `noisy` writes what is no message, `endless` a line that does not
end, `flooding` notifications, `deaf` does not end when it is told to, `mute` answers nothing, `lying` gives
back what is no result, `paging` lists tools without an end, `full` reads no more once it listed its tools,
`slow` takes its time for that.
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

behaviour = sys.argv[1]
tools = ["one"]
pages = itertools.count()

if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def write(message: Mapping[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def tell(method: str) -> None:
    write({"method": method})


def listed(names: list[str]) -> list[dict[str, Any]]:
    return [{"name": name, "inputSchema": {"type": "object"}} for name in names]


def answer(method: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match method:
        case "initialize":
            info = {"name": "plain", "version": "1"}
            capabilities = {"tools": {"listChanged": True}}
            version = params["protocolVersion"]
            return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}
        case "tools/list" if behaviour == "paging":
            return {"tools": listed([f"t{next(pages)}"]), "nextCursor": "more"}
        case "tools/list":
            return {"tools": listed(tools)}
        case "tools/call" if behaviour == "lying":
            return {"content": "s3cret"}
        case "tools/call":
            return {"content": [{"type": "text", "text": "done"}]}
    return None


for line in sys.stdin:
    if behaviour == "mute":
        continue
    message = json.loads(line)
    if "id" not in message:
        continue
    if behaviour == "noisy":
        for _ in range(60):
            print("starting s3cret …", flush=True)
    if behaviour == "slow" and message["method"] == "tools/list":
        time.sleep(0.3)
    result = answer(message["method"], message.get("params") or {})
    if result is None:
        write({"id": message["id"], "error": {"code": -32601, "message": "s3cret"}})
        continue
    write({"id": message["id"], "result": result})
    while behaviour == "full" and message["method"] == "tools/list":
        time.sleep(60)
    if message["method"] == "tools/call":
        if behaviour == "changing":
            tools.append(f"tool{len(tools)}")
            tell("notifications/tools/list_changed")
        if behaviour == "endless":
            while True:
                sys.stdout.write("x" * 65536)
        if behaviour == "flooding":
            for _ in range(20_000):
                tell("notifications/message")
            tell("notifications/tools/list_changed")

while behaviour == "deaf":
    time.sleep(60)
