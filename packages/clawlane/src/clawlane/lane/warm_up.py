"""Warm-up: how many replies a new session may send on each of its first days. Pure.

The budgets grow by the same factor every day, from `FIRST` on the first day to those of `pacing.account` on
the seventh, when the warm-up is over. A day is 24 hours, counted from the login.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clawlane.config.settings import Pacing

DAYS = 7
_DAY_MS = 86_400_000
_FIRST = {"minute": 4, "hour": 8, "day": 10}
"""Replies of the first day, by window."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The warm-up of a session that began at a time (ms since 1970)."""

    begun_ms: int

    def day(self, now_ms: int) -> int | None:
        """The day of the warm-up, from 1; None once it is over."""
        day = max(0, now_ms - self.begun_ms) // _DAY_MS + 1
        return day if day < DAYS else None

    def next_ms(self, now_ms: int) -> int:
        """When the budgets grow next."""
        return self.begun_ms + max(1, (now_ms - self.begun_ms) // _DAY_MS + 1) * _DAY_MS


def replies(rules: Pacing, window: str, day: int) -> int:
    """How many replies may leave in a `minute`, `hour` or `day` on a day of the warm-up."""
    most: int = getattr(rules.account, window)
    first = min(_FIRST[window], most)
    return int(first * (most / first) ** ((day - 1) / (DAYS - 1)))
