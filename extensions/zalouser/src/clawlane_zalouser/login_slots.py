"""How many accounts log in at the same time: a start, or a takeover, brings all of a gateway's at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 8
HOLDS_S = 5.0
"""How long a login keeps others waiting: behind a proxy that does not answer, some take much longer."""


class LoginSlots:
    """The slots of all accounts of a gateway."""

    def __init__(self, at_once: int = AT_ONCE, holds_s: float = HOLDS_S) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._holds_s = holds_s

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and keep it while this is entered, but not longer than `holds_s`."""
        await self._free.acquire()
        over = asyncio.get_running_loop().call_later(self._holds_s, self._free.release)
        try:
            yield
        finally:
            if over.when() > asyncio.get_running_loop().time():
                over.cancel()
                self._free.release()
