"""A clock that only a test moves, and the clock of the simulated servers."""

from __future__ import annotations

import asyncio
import math
from email.utils import formatdate

from zaloweb.transport.clock import Clock


class ManualClock:
    """A `zaloweb.transport.clock.Clock` that only `advance` moves; it wakes the sleepers that are due."""

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
        """Set the wall clock back, or ahead with a negative number. Monotonic time does not change."""
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
        """Wait until a sleeper has this many seconds left."""
        while not any(math.isclose(due - self._passed, seconds) for due, _ in self._sleepers):
            self._arrived.clear()
            await self._arrived.wait()

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once. Call it on the event loop of the sleepers."""
        self._passed += seconds
        for due, alarm in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if due <= self._passed and not alarm.done():
                alarm.set_result(None)


class ServerClock:
    """The clock of a world, which may differ from this machine's."""

    def __init__(self, clock: Clock) -> None:
        self.ahead_ms = 0
        """Milliseconds ahead of this machine's clock; negative: behind."""
        self.shown = True
        """Whether answers have a `Date`."""
        self._clock = clock

    def now_ms(self) -> int:
        """Milliseconds since 1970 by this clock."""
        return self._clock.now_ms() + self.ahead_ms

    def date(self) -> str:
        """The time in the form of a `Date` header."""
        return formatdate(self.now_ms() // 1000, usegmt=True)
