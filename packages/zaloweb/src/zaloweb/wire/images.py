"""Sizes of pictures, and a check of PNGs, from the first bytes of a file.

No picture is decoded.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

LARGEST_SIDE: Final = 2000
"""Pixels. A QR code needs a tenth of that."""

LARGEST_PNG: Final = 2 * 1024 * 1024
"""Bytes; a larger picture is refused."""

_PNG_HEAD = struct.Struct(">8sI4sII")
_PNG_HEADER_BYTES = 13

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_HEAD = 32
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The segments of a JPEG that hold its size; the three exceptions are tables."""
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of a JPEG without a length."""


def image_size(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, WebP or JPEG in stored pixels; None for anything else."""
    try:
        head = file.read(_HEAD)
        if head.startswith(_PNG):
            return _pair(">II", head, 16)
        if head.startswith((b"GIF87a", b"GIF89a")):
            return _pair("<HH", head, 6)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _webp(head)
        if head.startswith(_JPEG):
            file.seek(len(_JPEG))
            return _jpeg(file)
    except struct.error:  # cut off
        return None
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return None


def _jpeg(file: BinaryIO) -> tuple[int, int] | None:
    while True:
        lead, mark = struct.unpack("BB", file.read(2))
        if lead != 0xFF:
            return None
        if mark == 0xFF:  # padding before a marker
            file.seek(-1, 1)
        elif mark in _FRAMES:
            height, width = struct.unpack(">3xHH", file.read(7)[0:7])
            return width, height
        elif mark not in _ALONE:
            (length,) = struct.unpack(">H", file.read(2))
            file.seek(max(length, 2) - 2, 1)


def _pair(layout: str, head: bytes, place: int) -> tuple[int, int]:
    width, height = struct.unpack_from(layout, head, place)
    return width, height


def png_problem(data: bytes) -> str:
    """What is wrong with a picture, in a few words; "" for a PNG of at most `LARGEST_SIDE` pixels a side."""
    if not data.startswith(_PNG) or len(data) < _PNG_HEAD.size:
        return "is no PNG"
    if len(data) > LARGEST_PNG:
        return f"has more than {LARGEST_PNG // 1024} kB"
    _, length, kind, width, height = _PNG_HEAD.unpack_from(data)
    if kind != b"IHDR" or length != _PNG_HEADER_BYTES:
        return "is no PNG"
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        return f"has {width} × {height} pixels, not 1 to {LARGEST_SIDE} a side"
    return ""
