"""Runs a program whose names are looked up apart: one that nobody answers for holds up only who asked.

asyncio looks names up in the threads that everything else uses, the reading of the store too. Where a name
server is silent each lookup takes half a minute, and the end of the program waits for all of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

MOST_LOOKUPS = 32
"""Threads that look names up at once; more lookups wait for one of them."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """The same as `asyncio.run`, with such lookups."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._free = asyncio.Semaphore(MOST_LOOKUPS)

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        """In a thread that no end waits for. A lookup that is cancelled keeps its thread until it is over."""
        await self._free.acquire()
        found = self.create_future()

        def ended(tell: Callable[[], None]) -> None:
            self._free.release()
            if not found.done():
                tell()

        def look() -> None:
            try:
                tell = partial(found.set_result, socket.getaddrinfo(*args, **kwargs))
            except Exception as error:
                tell = partial(found.set_exception, error)
            with suppress(RuntimeError):  # the loop is closed by now
                self.call_soon_threadsafe(ended, tell)

        Thread(target=look, name="lookup", daemon=True).start()
        return await found
