"""The platform's time, from the `Date` of its answers, and how far this machine is off."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from statistics import median_low
from types import SimpleNamespace
from typing import Final

import aiohttp

from zaloweb.transport.clock import Clock

_KEPT: Final = 5
"""Measurements; the median counts, so that one odd answer changes nothing."""

_HALF_A_SECOND: Final = 500
"""A `Date` names a whole second; its middle is the best guess (RFC 9110, section 6.6.1)."""

_PLATFORM: Final = "zalo.me"
_EARLIEST_YEAR: Final = 2020


class PlatformClock:
    """The platform's time: the last measurement plus the time elapsed since.

    It does not use the wall clock of this machine, so setting that changes `skew_ms` and not `now_ms`. One
    clock serves all accounts. Pass it to `Zalo` and `log_in`, which feed it with every answer.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offsets: deque[int] = deque(maxlen=_KEPT)

    def now_ms(self) -> int | None:
        """The platform's time in milliseconds since 1970, to about a second; None before any answer."""
        return self.at_ms(self._clock.elapsed())

    def at_ms(self, elapsed: float) -> int | None:
        """The platform's time at a moment of `Clock.elapsed`."""
        return median_low(self._offsets) + round(elapsed * 1000) if self._offsets else None

    @property
    def skew_ms(self) -> int | None:
        """How far the platform's clock is ahead of this machine's; None before any answer."""
        now_ms = self.now_ms()
        return None if now_ms is None else now_ms - self._clock.now_ms()

    def note(self, date: str, asked: float, answered: float) -> None:
        """Take the `Date` of an answer, and when (`Clock.elapsed`) it was requested and came.

        Anything but a date is ignored.
        """
        told_ms = _milliseconds(date)
        if told_ms is not None:
            middle = round((asked + answered) * 500)
            self._offsets.append(told_ms + _HALF_A_SECOND - middle)

    def heard(self, host: str, headers: Mapping[str, str], asked: float) -> None:
        """Take what the headers of an answer tell that came just now, asked for at `asked`.

        One of another host is passed over, and one out of somebody's cache: it has the date of the day it was
        made.
        """
        of_platform = host == _PLATFORM or host.endswith(f".{_PLATFORM}")
        if of_platform and headers.get("age", "0") == "0":
            self.note(headers.get("date", ""), asked, self._clock.elapsed())

    def tracing(self) -> aiohttp.TraceConfig:
        """Makes an aiohttp session report the platform's answers, those to upgrades included."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._asked)
        trace.on_request_end.append(self._answered)
        return trace

    async def _asked(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestStartParams
    ) -> None:
        context.asked = self._clock.elapsed()

    async def _answered(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        self.heard(params.response.url.host or "", params.response.headers, context.asked)


@lru_cache(maxsize=4)  # a `Date` names whole seconds: many answers have the same
def _milliseconds(date: str) -> int | None:
    try:
        told = parsedate_to_datetime(date)
        return round(told.timestamp() * 1000) if told.year >= _EARLIEST_YEAR else None
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
