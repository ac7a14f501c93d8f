"""A QR code in a terminal: read from the PNG that the platform sends, and printed as half blocks."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

_QUIET = 2
_FINDER = 7

_SMALLEST, _LARGEST = 21, 177

_LARGEST_SIDE = 2000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8sI4sII")

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

# Black on white whatever the colours of the terminal are: a phone must see dark modules on a light ground.
_COLOURS, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"

_DARK_INK = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}

Modules = tuple[tuple[bool, ...], ...]
"""Rows of a QR code without quiet zone; True is dark."""


def read_modules(png: bytes) -> Modules | None:
    """The modules of the QR code in a PNG; None if none can be recognised.

    What is no PNG, or has more than 2000 pixels a side, is not opened.
    """
    if not _may_be_opened(png):
        return None
    try:
        image = Image.open(io.BytesIO(png), formats=("PNG",))
        picture = Image.new("RGBA", image.size, "white")
        picture.alpha_composite(image.convert("RGBA"))
    except _BROKEN:
        return None
    picture = picture.convert("L")
    box = picture.point(lambda level: 255 if level < 128 else 0).getbbox()
    if box is None:
        return None
    size = _modules_across(picture, box)
    return _sample(picture, box, size) if size else None


def half_blocks(modules: Modules, *, colour: bool) -> list[str]:
    """Lines to print, two rows of modules each, with a quiet zone.

    With `colour` the code is black on white. Without, the light modules are inked, as on a dark terminal.
    """
    width = len(modules) + 2 * _QUIET
    rows = [(False,) * width] * _QUIET
    rows += [(False,) * _QUIET + tuple(row) + (False,) * _QUIET for row in modules]
    rows += [(False,) * width] * _QUIET
    if len(rows) % 2:
        rows.append((False,) * width)
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        # Without colours the ink of the terminal is its light one, so the light modules are inked.
        pairs = ((a, b) if colour else (not a, not b) for a, b in zip(upper, lower, strict=True))
        blocks = "".join(_DARK_INK[pair] for pair in pairs)
        lines.append(f"{_COLOURS}{blocks}{_RESET}" if colour else blocks)
    return lines


def columns(modules: Modules) -> int:
    """How wide the printed code is."""
    return len(modules) + 2 * _QUIET


def _may_be_opened(png: bytes) -> bool:
    """Whether the first bytes are those of a PNG of a sane size: readers of other formats start programs."""
    if not png.startswith(_SIGNATURE) or len(png) < _HEAD.size:
        return False
    _, length, kind, width, height = _HEAD.unpack_from(png)
    sane = 1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE
    return bool(kind == b"IHDR" and length == 13 and sane)


def _modules_across(picture: Image.Image, box: tuple[int, int, int, int]) -> int | None:
    """How many modules the code has a side, told by the finder pattern in its upper left corner."""
    left, top, right, bottom = box
    run = next((x - left for x in range(left, right) if not _dark(picture, x, top)), 0)
    if not run or abs((right - left) - (bottom - top)) > run / _FINDER:
        return None
    near = (right - left) / (run / _FINDER)
    size = round((near - 17) / 4) * 4 + 17
    return size if _SMALLEST <= size <= _LARGEST and abs(near - size) < 2 else None


def _sample(picture: Image.Image, box: tuple[int, int, int, int], size: int) -> Modules | None:
    left, top, right, bottom = box
    across = [int(left + (right - left) * (index + 0.5) / size) for index in range(size)]
    down = [int(top + (bottom - top) * (index + 0.5) / size) for index in range(size)]
    modules = tuple(tuple(_dark(picture, x, y) for x in across) for y in down)
    return modules if _has_finders(modules) else None


def _has_finders(modules: Modules) -> bool:
    """Whether the three corners hold the ring, the gap and the core that scanners look for."""
    ring = [max(abs(x - 3), abs(y - 3)) != 2 for y in range(_FINDER) for x in range(_FINDER)]
    last = len(modules) - _FINDER
    corners = ((0, 0), (0, last), (last, 0))
    return all(
        [modules[top + y][left + x] for y in range(_FINDER) for x in range(_FINDER)] == ring
        for top, left in corners
    )


def _dark(picture: Image.Image, x: int, y: int) -> bool:
    level = picture.getpixel((x, y))
    return isinstance(level, int | float) and level < 128
