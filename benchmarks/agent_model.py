"""The loopback model as a process that takes its time, and says when it was asked and had answered.

    python -m benchmarks.agent_model SECONDS FILE

Prints its base URL. At its end it writes to FILE, as JSON, a pair of times by `time.monotonic` for each
answer: when the request was there, and when the last byte had been written.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from demo.model_server import ChatRequest, ModelServer, Says


async def main(seconds: float) -> list[tuple[float, float]]:
    """Serve until SIGTERM, then give the times of each answer."""

    async def answer(_request: ChatRequest) -> Says:
        await asyncio.sleep(seconds)
        return Says("Dạ vâng, em kiểm tra rồi trả lời anh chị ngay ạ. 🌸")

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with ModelServer(answer).serving() as server:
        print(server.url, flush=True)
        await stop.wait()
    return [(span.began, span.ended) for span in server.spans]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(main(float(sys.argv[1])))))
