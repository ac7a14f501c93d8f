"""A clock that stands still until a test moves it, and lets the test wait until somebody sleeps."""

from __future__ import annotations

import asyncio

from zaloweb.sim.clock import ManualClock


class WatchedClock(ManualClock):
    """Who sleeps is known by how long he wants to, so that a test moves the clock only once he does."""

    def __init__(self, now_ms: int = 0) -> None:
        super().__init__(now_ms)
        self.asleep: list[float] = []
        """How long each sleeper wanted to sleep."""
        self._somebody = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.append(seconds)
        self._somebody.set()
        try:
            await super().sleep(seconds)
        finally:
            self.asleep.remove(seconds)

    async def until_asleep(self, seconds: float) -> None:
        """Wait until somebody sleeps for exactly so long."""
        while seconds not in self.asleep:
            self._somebody.clear()
            await self._somebody.wait()
