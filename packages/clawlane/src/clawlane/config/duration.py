"""A length of time as people write it: `15m`, `30s`, `2h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta

from clawlane.texts import later

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)\Z")
PATTERN = r"^\s*[0-9]+(ms|s|m|h|d)\s*$"
"""The same for a JSON Schema."""

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(value: object) -> timedelta:
    """A time written as `15m`, `30s`, `2h` or `1d`. Raises `ValueError` with what is wrong."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError(later("must be a time such as '15m', '30s', '2h' or '1d'"))
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except (OverflowError, ValueError):
        raise ValueError(later("is too long")) from None


def duration_text(length: timedelta) -> str:
    """A time as the config writes it: `15m`, `1d`."""
    ms = length // timedelta(milliseconds=1)
    units = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))
    size, unit = next((one for one in units if ms and ms % one[0] == 0), (1000, "s"))
    return f"{ms // size}{unit}"
