"""Clocks to play with: one that stands still until it is moved, and the one on the wall at Zalo."""

from __future__ import annotations

import asyncio
import math
from email.utils import formatdate

from zaloweb.transport.clock import Clock


class ManualClock:
    """A `zaloweb.Clock` that only `advance` moves. Whoever sleeps wakes when his time has come."""

    def __init__(self, now_ms: int = 0) -> None:
        self._started_ms = now_ms
        self._passed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    def now_ms(self) -> int:
        return self._started_ms + round(self._passed * 1000)

    def monotonic(self) -> float:
        return self._passed

    def elapsed(self) -> float:
        return self._passed

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, or ahead with a negative number. No time passes by that."""
        self._started_ms -= round(seconds * 1000)

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


class WallClock:
    """The clock of a world, which need not show what this machine's shows."""

    def __init__(self, clock: Clock) -> None:
        self.ahead_ms = 0
        """By how much it is ahead of this machine's; negative: behind."""
        self.shown = True
        """Whether answers have a `Date`."""
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock.now_ms() + self.ahead_ms

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def elapsed(self) -> float:
        return self._clock.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def date(self) -> str:
        """The time as a `Date` header has it."""
        return formatdate(self.now_ms() // 1000, usegmt=True)
