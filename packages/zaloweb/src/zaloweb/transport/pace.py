"""How fast an account may act: calls that come too fast wait; none is refused."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

from zaloweb.calls.call import Call, Traffic
from zaloweb.transport.clock import Clock

log = logging.getLogger(__name__)

_LONG_WAIT_S: Final = 60.0
"""Longer waits log a warning: the program seems to hang."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` within any `seconds`."""

    calls: int
    seconds: float

    def __post_init__(self) -> None:
        if self.calls < 1 or self.seconds <= 0:
            raise ValueError("a rate allows at least one call, within some time")


class Pace:
    """Delays calls of an account that come too fast, in the order they were made.

    `Pace.cautious()`, which `Zalo` uses unless told otherwise, allows

    ======== ================================================== ===================================
    actions  sends, reactions, recalls, deletions, forwards,    5 in 5 seconds, 15 a minute,
             friends, group changes, looking up a phone number  200 an hour, 1000 a day
    queries  lists, profiles, groups, stickers, typing, read    20 in 5 seconds, 200 a minute,
             receipts and everything else that changes nothing  3000 an hour
    ======== ================================================== ===================================

    Zalo publishes no limits. The figures for actions are about what a busy person manages by hand; those per
    minute, hour and day are also the defaults of the gateway `clawlane`. An endless loop reaches them within
    seconds, and then sleeps instead of costing the account. Parts of a file are not counted, its message is.

    `Pace.off()` delays nothing: only for programs that pace themselves, and for tests.

    Each account is counted separately, as long as this object lives: give one `Pace` to all `Zalo` objects
    that a program makes for an account.
    """

    def __init__(self, *, actions: Iterable[Rate] = (), queries: Iterable[Rate] = ()) -> None:
        self.rates: Final = {
            Traffic.ACTION: tuple(actions),
            Traffic.QUERY: tuple(queries),
            Traffic.TRANSFER: (),
        }
        self._lines: dict[tuple[str, Traffic], _Line] = {}

    @classmethod
    def cautious(cls) -> Self:
        """As fast as a busy person."""
        return cls(
            actions=[Rate(5, 5), Rate(15, 60), Rate(200, 3600), Rate(1000, 86_400)],
            queries=[Rate(20, 5), Rate(200, 60), Rate(3000, 3600)],
        )

    @classmethod
    def off(cls) -> Self:
        """As fast as the network."""
        return cls()

    async def wait(self, account: str, call: Call[Any], clock: Clock) -> None:
        """Wait until the account may make this call, and count it."""
        rates = self.rates[call.traffic]
        if not rates:
            return
        key = (account, call.traffic)
        line = self._lines.setdefault(key, _Line(rates))
        await line.wait(account, call.name, clock)


class _Line:
    """The calls of one kind that one account makes, first come first served."""

    def __init__(self, rates: tuple[Rate, ...]) -> None:
        self._rates = rates
        self._made: deque[float] = deque(maxlen=max(rate.calls for rate in rates))
        self._lock = asyncio.Lock()

    async def wait(self, account: str, name: str, clock: Clock) -> None:
        # Counted after the wait: a call that is cancelled meanwhile was not made.
        async with self._lock:
            seconds = self._seconds(clock.elapsed())
            if seconds >= _LONG_WAIT_S:
                log.warning("%s of %s waits %.0f s: the account did too much", name, account, seconds)
            elif seconds > 0:
                log.debug("%s of %s waits %.1f s", name, account, seconds)
            while seconds > 0:
                await clock.sleep(seconds)
                seconds = self._seconds(clock.elapsed())
            self._made.append(clock.elapsed())

    def _seconds(self, now: float) -> float:
        """How long the next call has to wait."""
        full = (rate for rate in self._rates if len(self._made) >= rate.calls)
        return max((self._made[-rate.calls] + rate.seconds - now for rate in full), default=0.0)
