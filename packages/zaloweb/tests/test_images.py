"""Width and height from the first bytes of a picture."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaloweb.wire.images import image_size

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 320, 240)


def webp(kind: bytes, data: bytes) -> bytes:
    return (
        b"RIFF" + struct.pack("<I", 4 + 8 + len(data)) + b"WEBP" + kind + struct.pack("<I", len(data)) + data
    )


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments)


def segment(mark: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(data) + 2) + data


FRAME = segment(0xC0, struct.pack(">BHHB", 8, 480, 640, 3))
PROGRESSIVE = segment(0xC2, struct.pack(">BHHB", 8, 480, 640, 3))
EXIF = segment(0xE1, b"Exif" + b"\xff\xc0" * 500)
TABLES = segment(0xC4, bytes(30))


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (PNG, (640, 480)),
        (GIF, (320, 240)),
        (webp(b"VP8 ", bytes(6) + struct.pack("<HH", 640, 480) + bytes(8)), (640, 480)),
        (webp(b"VP8L", b"\x2f" + struct.pack("<I", (479 << 14) | 639) + bytes(8)), (640, 480)),
        (webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")), (640, 480)),
        (jpeg(FRAME), (640, 480)),
        (jpeg(EXIF, TABLES, PROGRESSIVE), (640, 480)),
        (jpeg(b"\xff\xff\xff", FRAME[1:]), (640, 480)),
    ],
)
def test_the_size_stands_in_the_header(picture: bytes, size: tuple[int, int]) -> None:
    assert image_size(io.BytesIO(picture)) == size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        PNG[:18],
        GIF[:8],
        webp(b"VP8 ", b""),
        webp(b"ALPH", bytes(30)),
        jpeg(),
        jpeg(b"\x00\x00"),
    ],
)
def test_nobody_knows_the_size_of_something_else(data: bytes) -> None:
    assert image_size(io.BytesIO(data)) is None


@given(st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF1234WEBP"]), st.binary())
def test_no_bytes_make_it_fail(start: bytes, rest: bytes) -> None:
    image_size(io.BytesIO(start + rest))
