"""What the clocks say about one connection: how far this machine is off, and which pushes are a backlog."""

from __future__ import annotations

import logging
from typing import Final

from zaloweb.transport.clock import Clock
from zaloweb.transport.platform_clock import PlatformClock

BURST_S: Final = 30.0
"""How long after a connect or a wake Zalo may push what was written before it."""

JUMP_MS: Final = 60_000
"""A change of the difference between wall clock and monotonic clock that means a sleep or a set clock."""

_ROUGHLY_MS: Final = 1_000
"""A `Date` names whole seconds, so smaller differences mean nothing."""

log = logging.getLogger(__name__)


class PlatformTime:
    """The times of one account. After `woke` and `connected` a backlog may come."""

    def __init__(self, clock: Clock, platform: PlatformClock) -> None:
        self.skew_ms: int | None = None
        """How far Zalo's clock is ahead of this machine's, as of the last `changed`."""
        self._clock = clock
        self._platform = platform
        self._apart_ms = self._now_apart_ms()
        self._since: float | None = None

    def now_ms(self) -> int:
        """Zalo's time; this machine's until Zalo's is known."""
        told = self._platform.now_ms()
        return self._clock.now_ms() if told is None else told

    def changed(self) -> bool:
        """Whether the skew has changed by more than its measurement is uncertain."""
        skew_ms = self._platform.skew_ms
        if skew_ms is None or (self.skew_ms is not None and abs(skew_ms - self.skew_ms) <= _ROUGHLY_MS):
            return False
        log.debug("Zalo's clock is %d ms ahead of this machine's", skew_ms)
        self.skew_ms = skew_ms
        return True

    def woke(self) -> bool:
        """Whether this machine slept or its clock was set since the last call."""
        before, self._apart_ms = self._apart_ms, self._now_apart_ms()
        if abs(self._apart_ms - before) <= JUMP_MS:
            return False
        self._since = self._clock.elapsed()
        return True

    def connected(self) -> None:
        """Note that a connection is up."""
        self._since = self._clock.elapsed()

    def is_live(self, sent_ms: int) -> bool:
        """Whether something pushed now is new, and not part of a backlog.

        A time of 0 is unknown. As long as Zalo's time is not known either, everything is new.
        """
        since = self._since
        if not sent_ms or since is None or self._clock.elapsed() - since > BURST_S:
            return True
        since_ms = self._platform.at_ms(since)
        return since_ms is None or sent_ms >= since_ms - _ROUGHLY_MS

    def _now_apart_ms(self) -> float:
        return self._clock.now_ms() - self._clock.monotonic() * 1000
