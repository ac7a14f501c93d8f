"""Quiet hours: whether nothing may leave now, and until when. Pure; the clock of the zone is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from clawlane.config.choices import QuietDo
from clawlane.zone import MACHINE, Zone

if TYPE_CHECKING:
    from clawlane.config.quiet_hours import QuietSpan

_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """It is quiet: what becomes of a reply, and when that ends (ms since 1970)."""

    do: QuietDo
    until_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of day until another, in minutes past the midnight before it begins."""

    begin: int
    end: int
    do: QuietDo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The quiet spans of each day in a zone. They do not overlap.

    A time that the clock skips is the moment at which it skips. Of a time that comes twice, the first one
    begins a span and the second one ends it: no night is loud for the hour that is repeated.
    """

    spans: tuple[Span, ...] = ()
    zone: Zone = MACHINE

    @classmethod
    def of(cls, written: Iterable[QuietSpan] | None, zone: Zone) -> QuietHours:
        """Those of a config. Spans that follow each other and do the same are one."""
        spans = sorted((Span(*one.minutes, one.do) for one in written or ()), key=lambda one: one.begin)
        return cls(tuple(_joined(spans)), zone)

    def now(self, now_ms: int) -> Quiet | None:
        """Whether it is quiet; None if it is not."""
        if not self.spans:
            return None
        today = self.zone.at(now_ms).date()
        for span in self.spans:
            for day in (today - timedelta(days=1), today):
                until_ms = self._end_ms(day, span)
                if self.zone.ms_of(day, span.begin) <= now_ms < until_ms:
                    return Quiet(span.do, until_ms)
        return None

    def _end_ms(self, day: date, span: Span) -> int:
        days, minutes = divmod(span.end, _DAY)
        return self.zone.ms_of(day + timedelta(days=days), minutes, last=True)

    def until_ms(self, now_ms: int) -> int | None:
        """When the quiet hours end that it is in now; None outside of them."""
        quiet = self.now(now_ms)
        return quiet.until_ms if quiet else None


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.begin and joined[-1].do is span.do:
            joined[-1] = replace(joined[-1], end=span.end)
        else:
            joined.append(span)
    if len(joined) > 1 and joined[-1].end == joined[0].begin + _DAY and joined[-1].do is joined[0].do:
        joined[-1] = replace(joined[-1], end=joined[0].end + _DAY)
        del joined[0]
    return joined
