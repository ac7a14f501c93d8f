"""What the clocks say about one connection: how far this machine is off, and which pushes are a backlog."""

from __future__ import annotations

from typing import Final

from clawlane_zalouser.wake import Wakefulness
from zaloweb.transport.clock import Clock
from zaloweb.transport.platform_clock import PlatformClock

BURST_S: Final = 30.0
"""How long after a connect or a wake Zalo may push what was written before it."""

_ROUGHLY_MS: Final = 1_000
"""A `Date` names whole seconds, so what differs by less is the same time."""


class PlatformTime:
    """The times of one account. `woke` and `connected` say when a backlog may come."""

    def __init__(self, clock: Clock, platform: PlatformClock) -> None:
        self.skew_ms: int | None = None
        """How far Zalo's clock is ahead of this machine's, as `changed` found it the last time."""
        self._clock = clock
        self._platform = platform
        self._wakefulness = Wakefulness(clock)
        self._since: float | None = None

    def now_ms(self) -> int:
        """Zalo's time; this machine's as long as Zalo has not told."""
        told = self._platform.now_ms()
        return self._clock.now_ms() if told is None else told

    def changed(self) -> bool:
        """Whether the skew is another than it was, by more than the measuring explains."""
        skew_ms = self._platform.skew_ms
        if skew_ms is None or (self.skew_ms is not None and abs(skew_ms - self.skew_ms) <= _ROUGHLY_MS):
            return False
        self.skew_ms = skew_ms
        return True

    def woke(self) -> bool:
        """Whether this machine slept or its clock was set since this was asked the last time."""
        if not self._wakefulness.jumped():
            return False
        self._since = self._clock.elapsed()
        return True

    def connected(self) -> None:
        """A connection has come about."""
        self._since = self._clock.elapsed()

    def is_live(self, sent_ms: int) -> bool:
        """Whether something that was pushed now is new, and not part of a backlog.

        A time of 0 is unknown. Where Zalo's time is not known either, everything is new.
        """
        since = self._since
        if not sent_ms or since is None or self._clock.elapsed() - since > BURST_S:
            return True
        since_ms = self._platform.at_ms(since)
        return since_ms is None or sent_ms >= since_ms - _ROUGHLY_MS
