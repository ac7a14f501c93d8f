"""The clock of this machine, and how long something takes in words."""

from __future__ import annotations

import time

_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"))


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def length(ms: int) -> str:
    """A length of time in the largest unit that it holds twice: `3 min`, `2 days`, `90 s`."""
    seconds = ms // 1000
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
