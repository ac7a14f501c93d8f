"""Fields that the server writes in more than one way, or that may be missing, as plain values. Nothing here
fails.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.models import Malformed, read

_ANY = msgspec.json.Decoder()
_LONGEST_NUMBER = 32


def as_text(value: object) -> str:
    """A text, or a number as one (ids come both ways); else ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_whole(value: object) -> int:
    """A whole number that may be written as a text; else 0."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < _LONGEST_NUMBER else 0
    return int(value) if isinstance(value, float) else 0


def as_object(value: object) -> dict[str, Any]:
    """An object that may be written as a JSON text; else {}."""
    if isinstance(value, str) and value:
        try:
            value = read(_ANY, value)
        except Malformed:
            return {}
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """A list; else []."""
    return value if isinstance(value, list) else []


def as_degrees(value: object) -> float:
    """A number with a fraction that may be written as a text; else 0."""
    try:
        return float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
