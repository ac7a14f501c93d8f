"""What takes long and browsers watch: all see the same, and again whenever it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

MOST_READERS = 20
"""Pages that may watch one thing at a time."""


class Watched:
    """Something that changes while browsers look at it. `version` counts its changes."""

    def __init__(self) -> None:
        self.version = 0
        self._changed = asyncio.Event()
        self._readers = 0
        self._looked = time.monotonic()

    def change(self) -> None:
        """Whoever watches is shown it again."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def other_than(self, version: int, within_s: float) -> None:
        """Returns once it has changed since that version, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.version == version:
                    await self._changed.wait()

    def look(self) -> None:
        """Somebody looks at it now."""
        self._looked = time.monotonic()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Somebody looks for as long as this is entered. Raises `HTTPServiceUnavailable` for too many."""
        if self._readers >= MOST_READERS:
            raise web.HTTPServiceUnavailable
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            self.look()

    async def left_alone(self, seconds: float) -> None:
        """Returns once nobody has looked for so long."""
        while True:
            if self._readers:
                self.look()
            left = self._looked + seconds - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)
