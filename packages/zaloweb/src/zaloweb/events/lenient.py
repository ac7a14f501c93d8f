"""Fields that the server writes in several ways or leaves out, as plain values. Nothing here raises."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.wire.models import Malformed, read

_ANY = msgspec.json.Decoder()
_LONGEST_NUMBER = 32

_MS_DIGITS = 13
_FIRST_MS = 1_262_304_000_000
"""The year 2010: Zalo did not exist before."""

_LAST_MS = 100_000_000_000_000
"""The year 5138. Callers that know the time decide whether a time is too far ahead."""


def as_text(value: object) -> str:
    """A text, or a number as one (ids come both ways); else ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_id(value: object) -> str:
    """An id as its digits; "" for 0, null, "" and other types, which mean no id."""
    if type(value) is str:
        return value if value != "0" else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_text(value) if value else ""


def as_ids(value: object) -> tuple[str, ...]:
    """A list of ids; else none."""
    return tuple(filter(None, map(as_id, as_list(value))))


def as_whole(value: object) -> int:
    """A whole number, possibly written as a text; else 0."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < _LONGEST_NUMBER else 0
    return int(value) if isinstance(value, float) else 0


def as_ms(value: object) -> int:
    """A time in ms since 1970, given in ms or seconds; 0 (unknown) if it cannot be right."""
    usual = type(value) is str and len(value) == _MS_DIGITS and value.isdecimal()
    number = int(value) if usual else as_whole(value)  # type: ignore[call-overload]
    if _FIRST_MS <= number < _LAST_MS:
        return number
    number *= 1000
    return number if _FIRST_MS <= number < _LAST_MS else 0


def as_object(value: object) -> dict[str, Any]:
    """An object, possibly encoded as JSON text once or twice; else {}."""
    if isinstance(value, dict):
        return value
    found = opened(value) if isinstance(value, str) and value else None
    return found if isinstance(found, dict) else {}


def opened(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list that a text encodes as JSON, once or twice; None for any other text."""
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
    """Whether a text can be words: not blank, and not the JSON of an object or a list."""
    begin = text.lstrip()[:2]
    return bool(begin) and begin not in ('{"', "[{") and opened(text) is None


def as_list(value: object) -> list[Any]:
    """A list; else []."""
    return value if isinstance(value, list) else []


def as_degrees(value: object) -> float:
    """A number, possibly written as a text; else 0."""
    try:
        return float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
