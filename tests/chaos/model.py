"""A model for stories of trouble, as a program that outlives the gateway. Prints its base URL when ready.

In each turn it calls the tool of its channel twice at once, to react to the message and to send a text, and
then answers. What it writes begins with the key of the message.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal

from demo.model_server import ChatRequest, ModelServer, Says, ToolCall

TOLD = "tool: "
"""What a text that was sent by a tool begins with."""

_KEY = re.compile(r"#\d{5}")


def answer(request: ChatRequest) -> Says:
    """The calls, then the answer to what the last user wrote."""
    asked = max(number for number, one in enumerate(request.messages) if one["role"] == "user")
    key = _KEY.findall(str(request.messages[asked]["content"]))[-1]
    if any(one["role"] == "tool" for one in request.messages[asked:]):
        return Says(f"{key} xong rồi ạ")
    react = {"action": "react", "icon": "HEART"}
    send = {"action": "send", "text": f"{TOLD}{key} em xem nhé"}
    calls = [ToolCall("zalouser", json.dumps(one), f"call_{n}") for n, one in enumerate((react, send))]
    return Says(tool_calls=calls)


async def main() -> None:
    """Run until SIGTERM."""
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    async with ModelServer(answer).serving() as server:
        print(server.url, flush=True)
        await told_to_stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
