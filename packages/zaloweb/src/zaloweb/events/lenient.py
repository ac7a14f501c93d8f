"""Fields that the server writes in more than one way, or that may be missing, as plain values. Nothing here
fails.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.wire.models import Malformed, read

_ANY = msgspec.json.Decoder()
_LONGEST_NUMBER = 32

_MS_DIGITS = 13
_FIRST_MS = 1_262_304_000_000
"""The year 2010: before Zalo there was nothing to send."""

_LAST_MS = 100_000_000_000_000
"""The year 5138. Whether a time lies too far ahead of now is for those to decide who know what time it is."""


def as_text(value: object) -> str:
    """A text, or a number as one (ids come both ways); else ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_id(value: object) -> str:
    """An id as its digits. 0 stands for none in Zalo's ids, and so do null, "" and other types: ""."""
    if type(value) is str:
        return value if value != "0" else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_text(value) if value else ""


def as_ids(value: object) -> tuple[str, ...]:
    """A list of ids; else none."""
    return tuple(filter(None, map(as_id, as_list(value))))


def as_whole(value: object) -> int:
    """A whole number that may be written as a text; else 0."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < _LONGEST_NUMBER else 0
    return int(value) if isinstance(value, float) else 0


def as_ms(value: object) -> int:
    """A time in ms since 1970, told in ms or in seconds; 0, unknown, where it cannot be right."""
    usual = type(value) is str and len(value) == _MS_DIGITS and value.isdecimal()
    number = int(value) if usual else as_whole(value)  # type: ignore[call-overload]
    if _FIRST_MS <= number < _LAST_MS:
        return number
    number *= 1000
    return number if _FIRST_MS <= number < _LAST_MS else 0


def as_object(value: object) -> dict[str, Any]:
    """An object that may be written as a JSON text, once or twice over; else {}."""
    if isinstance(value, dict):
        return value
    found = opened(value) if isinstance(value, str) and value else None
    return found if isinstance(found, dict) else {}


def opened(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list that a text is the JSON of, once or twice over; None for any other text."""
    value = _json(text)
    if isinstance(value, str):
        value = _json(value)
    return value if isinstance(value, (dict, list)) else None


def _json(text: str) -> object:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return read(_ANY, text)
    except Malformed:
        return None


def is_prose(text: str) -> bool:
    """Whether a text can be words: it is not blank, and not the JSON of an object or a list."""
    begin = text.lstrip()[:2]
    return bool(begin) and begin not in ('{"', "[{") and opened(text) is None


def as_list(value: object) -> list[Any]:
    """A list; else []."""
    return value if isinstance(value, list) else []


def as_degrees(value: object) -> float:
    """A number with a fraction that may be written as a text; else 0."""
    try:
        return float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
