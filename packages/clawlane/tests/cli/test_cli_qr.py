"""QR codes in the terminal: an image becomes modules again, and modules become half blocks."""

from __future__ import annotations

import io
import struct

import pytest
import segno
from PIL import Image, ImageDraw

from clawlane.cli.terminal_qr import Modules, columns, half_blocks, read_modules

_TEXT = "https://id.zalo.me/qr?token=một-hai-ba"


def picture(version: int = 5, **how: object) -> bytes:
    out = io.BytesIO()
    segno.make(_TEXT, version=version).save(out, kind="png", **how)
    return out.getvalue()


def drawn(version: int = 5) -> Modules:
    return tuple(tuple(bool(module) for module in row) for row in segno.make(_TEXT, version=version).matrix)


@pytest.mark.parametrize("version", [4, 5, 10, 25])
@pytest.mark.parametrize("how", [{"scale": 1}, {"scale": 7, "border": 0}, {"scale": 4, "border": 9}])
def test_a_code_of_any_size_is_read_exactly(version: int, how: dict[str, int]) -> None:
    assert read_modules(picture(version, **how)) == drawn(version)


def test_a_code_on_a_transparent_ground_is_read() -> None:
    assert read_modules(picture(scale=5, light=None)) == drawn()


def test_a_code_scaled_to_an_odd_size_and_softened_by_it_is_read() -> None:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture(scale=6))).convert("L").resize((437, 437)).save(out, "png")
    assert read_modules(out.getvalue()) == drawn()


def test_a_logo_in_the_middle_hides_only_what_it_covers() -> None:
    image = Image.open(io.BytesIO(picture(scale=10, border=4))).convert("RGB")
    middle = image.width // 2
    ImageDraw.Draw(image).rectangle((middle - 30, middle - 30, middle + 30, middle + 30), fill="white")
    out = io.BytesIO()
    image.save(out, "png")
    found = read_modules(out.getvalue())
    assert found is not None
    assert [row[:14] for row in found] == [row[:14] for row in drawn()]


@pytest.mark.parametrize("png", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_picture_has_no_modules(png: bytes) -> None:
    assert read_modules(png) is None


@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_a_picture_without_a_code_has_no_modules(colour: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (200, 200), colour).save(out, "png")
    assert read_modules(out.getvalue()) is None


def test_half_blocks_hold_every_module_and_a_quiet_zone() -> None:
    modules = drawn()
    lines = half_blocks(modules, colour=False)
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) == columns(modules) == len(modules) + 4
    inked = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
    rows = [row for line in lines for row in zip(*(inked[block] for block in line), strict=True)]
    inner = tuple(tuple(not light for light in row[2:-2]) for row in rows[2 : 2 + len(modules)])
    assert inner == modules


def test_on_a_terminal_the_code_is_black_on_white_whatever_its_colours() -> None:
    line = half_blocks(drawn(), colour=True)[0]
    assert line.startswith("\x1b[38;5;16;48;5;231m")
    assert line.endswith("\x1b[0m")


def png_that_says(width: int, height: int) -> bytes:
    """The head of a PNG, with a data chunk that is none."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR") + head + bytes(64)


def in_format(kind: str) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture(scale=5))).convert("RGB").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    "picture",
    [
        *map(in_format, ("eps", "jpeg", "gif", "bmp", "tiff", "ppm")),
        b"\x89PNG\r\n\x1a\n%!PS-Adobe-3.0 EPSF-3.0\n",
        png_that_says(2001, 10),
        png_that_says(10, 2001),
        png_that_says(0, 0),
        png_that_says(50_000, 50_000),
        png_that_says(200, 200),
    ],
)
def test_only_a_png_of_a_sane_size_is_opened(picture: bytes) -> None:
    assert read_modules(picture) is None
