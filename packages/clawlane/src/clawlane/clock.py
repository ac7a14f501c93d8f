"""The clock of this machine, and how long something takes in words."""

from __future__ import annotations

import time

from clawlane.texts import later, t

_UNITS = ((86_400, later("{n} days")), (3_600, later("{n} h")), (60, later("{n} min")))


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def length(ms: int) -> str:
    """A length of time in the largest unit that it holds twice: `3 min`, `2 days`, `90 s`."""
    seconds = ms // 1000
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return t(unit, n=seconds // size)
    return t("{n} s", n=seconds)
