"""A length of time as people write it: `15m`, `30s`, `2h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)\Z")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(value: object) -> timedelta:
    """A time written as `15m`, `30s`, `2h` or `1d`. Raises `ValueError` with what is wrong."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.match(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError("must be a time such as '15m', '30s', '2h' or '1d'")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except (OverflowError, ValueError):
        raise ValueError("is too long") from None
