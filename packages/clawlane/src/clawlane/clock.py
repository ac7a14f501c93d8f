"""The clock of this machine, and how long something takes in words."""

from __future__ import annotations

import time
from collections.abc import Callable

from clawlane.texts import later, t

_UNITS = ((86_400, later("{n} days")), (3_600, later("{n} h")), (60, later("{n} min")))
_SECONDS = later("{n} s")


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def length(ms: int, say: Callable[..., str] = t) -> str:
    """A length of time in the largest unit that it holds twice: `3 min`, `2 days`, `90 s`.

    With `later` it is a text that is said in the language of whoever reads it.
    """
    seconds = ms // 1000
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return say(unit, n=seconds // size)
    return say(_SECONDS, n=seconds)
