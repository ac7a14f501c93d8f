"""Noticing that this machine slept or that its clock was set: connections and times are doubtful then."""

from __future__ import annotations

from typing import Final

from zaloweb.transport.clock import Clock

JUMP_MS: Final = 60_000
"""By how much the wall clock has to leave the monotonic one behind, or fall behind it, to count as a jump."""


class Wakefulness:
    """Compares the two clocks of this machine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart_ms = self._now_apart_ms()

    def jumped(self) -> bool:
        """Whether the clocks have jumped apart since this was asked the last time."""
        before, self._apart_ms = self._apart_ms, self._now_apart_ms()
        return abs(self._apart_ms - before) > JUMP_MS

    def _now_apart_ms(self) -> float:
        return self._clock.now_ms() - self._clock.monotonic() * 1000
