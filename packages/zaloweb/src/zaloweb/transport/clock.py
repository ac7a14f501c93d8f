"""The time, passed in everywhere so that tests can hold it still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

_SINCE_BOOT: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock that includes time asleep: a separate one on Linux, the monotonic one on macOS.

Windows has neither; there `time.monotonic` includes that time.
"""


class Clock(Protocol):
    """A clock as this package uses it."""

    def now_ms(self) -> int:
        """The wall clock, in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back, may stop while the machine sleeps."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back, continues while the machine sleeps."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def within(clock: Clock, seconds: float, work: Awaitable[T]) -> T:
    """The result of the work. After that many seconds cancels it and raises `TimeoutError`."""
    async with asyncio.timeout(None) as scope:
        alarm = asyncio.create_task(_ring(clock, seconds, scope))
        try:
            return await work
        finally:
            alarm.cancel()


async def _ring(clock: Clock, seconds: float, scope: asyncio.Timeout) -> None:
    await clock.sleep(seconds)
    scope.reschedule(asyncio.get_running_loop().time())
