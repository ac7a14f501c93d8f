"""A clock that stands still until it is moved: for tests, and for playing a long wait in no time."""

from __future__ import annotations

import asyncio
import math


class ManualClock:
    """A `zaloweb.clock.Clock` that only `advance` moves. Whoever sleeps wakes when his time has come."""

    def __init__(self, now_ms: int = 0) -> None:
        self._started_ms = now_ms
        self._passed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    def now_ms(self) -> int:
        return self._started_ms + round(self._passed * 1000)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._passed + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        self._arrived.set()
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def asleep(self, seconds: float) -> None:
        """Wait until somebody sleeps who has so many seconds still to go."""
        while not any(math.isclose(due - self._passed, seconds) for due, _ in self._sleepers):
            self._arrived.clear()
            await self._arrived.wait()

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once. Call it on the loop of those who sleep."""
        self._passed += seconds
        for due, alarm in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if due <= self._passed and not alarm.done():
                alarm.set_result(None)
