"""Whether a picture is a PNG of a sane size, from its first bytes. Nothing of it is decoded."""

from __future__ import annotations

import struct
from typing import Final

LARGEST_SIDE: Final = 2000
"""Pixels. A QR code needs a tenth of that."""

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a picture that is looked at at all."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8sI4sII")
_HEADER_BYTES = 13


def complaint(data: bytes) -> str:
    """What is wrong with a picture, in a few words; "" for a PNG of at most `LARGEST_SIDE` pixels a side."""
    if not data.startswith(_SIGNATURE) or len(data) < _HEAD.size:
        return "is no PNG"
    if len(data) > LARGEST:
        return f"has more than {LARGEST // 1024} kB"
    _, length, kind, width, height = _HEAD.unpack_from(data)
    if kind != b"IHDR" or length != _HEADER_BYTES:
        return "is no PNG"
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        return f"has {width} × {height} pixels, not 1 to {LARGEST_SIDE} a side"
    return ""
