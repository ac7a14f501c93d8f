"""A model on loopback that the tests give a script, and a config whose agent asks it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from demo.model_server import ModelServer


@contextmanager
def model_running() -> Iterator[ModelServer]:
    """A model in a thread of its own."""
    server, loop = ModelServer(), asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with server.serving():
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(30)
    yield server
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()


def brain_of(server: ModelServer, **more: object) -> str:
    """The `brain` of an agent that asks this model."""
    return json.dumps({"kind": "endpoint", "url": server.url, **more})
