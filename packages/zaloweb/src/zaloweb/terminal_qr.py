"""A QR code in the terminal: a PNG as half-block characters. Needs Pillow."""

from __future__ import annotations

import io
from importlib.util import find_spec

from zaloweb.wire.images import png_problem

_FINDER = 7
_QUIET = 2
_INK = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}
"""Two rows of modules (dark or not) in one character, for light text on a dark ground."""


def half_blocks(png: bytes) -> list[str]:
    """The lines to print; none without Pillow, or if no code is recognised."""
    if find_spec("PIL") is None or png_problem(png):
        return []
    rows = _modules(png)
    if not rows:
        return []
    width = len(rows) + 2 * _QUIET
    side, empty = [False] * _QUIET, [[False] * width] * _QUIET
    rows = [*empty, *(side + row + side for row in rows), *empty, [False] * width]
    return [
        "".join(_INK[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[:-1:2], rows[1::2], strict=True)
    ]


def _modules(png: bytes) -> list[list[bool]]:
    """Rows of modules, True for dark, without the quiet zone; the finder in the corner tells their size."""
    from PIL import Image

    try:
        found = Image.open(io.BytesIO(png), formats=("PNG",)).convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return []
    ground = Image.new("RGBA", found.size, "white")
    ground.alpha_composite(found)
    dark = ground.convert("L").point(lambda level: 255 if level < 128 else 0)
    box = dark.getbbox()
    if box is None:
        return []
    left, top, right, bottom = box
    run = next((x - left for x in range(left, right) if not dark.getpixel((x, top))), 0)
    if not run:
        return []
    size = round((right - left) * _FINDER / run)
    across = [int(left + (right - left) * (index + 0.5) / size) for index in range(size)]
    down = [int(top + (bottom - top) * (index + 0.5) / size) for index in range(size)]
    return [[bool(dark.getpixel((x, y))) for x in across] for y in down]
