"""Pictures as models get them."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path

from PIL import Image

from clawlane.agents.contract import InboundFile, TurnInput
from clawlane.agents.inbound_media import LONGEST_SIDE, MOST_PICTURES, images
from clawlane.messages import Inbound, Thread, ThreadKind

MESSAGE = Inbound("default", "m1", Thread(ThreadKind.DM, "11"), "11", "Lan", "", 1)


def turn(*files: InboundFile) -> TurnInput:
    return TurnInput("zalouser/default", (MESSAGE,), files=files)


def file(folder: Path, data: bytes, mime: str, name: str = "one") -> InboundFile:
    path = folder / name
    path.write_bytes(data)
    return InboundFile(path, "photo", mime, "ảnh.jpg", len(data), "m1")


def picture(size: tuple[int, int], format: str = "PNG", mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 0).save(written, format)
    return written.getvalue()


async def test_a_small_picture_is_passed_on_as_it_came(tmp_path: Path) -> None:
    data = picture((20, 10))
    found = await images(turn(one := file(tmp_path, data, "image/png")))
    [shown] = found.shown
    assert (shown.mime, shown.data) == ("image/png", data)
    assert shown.url == f"data:image/png;base64,{base64.b64encode(data).decode()}"
    assert found.notes == {one.path: "shown"}


async def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    data = picture((6000, 3000), mode="RGBA")
    [shown] = (await images(turn(file(tmp_path, data, "image/png")))).shown
    assert shown.mime == "image/jpeg"
    with Image.open(io.BytesIO(shown.data)) as opened:
        assert opened.size == (LONGEST_SIDE, LONGEST_SIDE // 2)
        assert opened.getpixel((5, 5)) == (255, 255, 255), "white where it was transparent"


async def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    written = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # turned by 90 degrees
    Image.new("RGB", (4000, 1000)).save(written, "JPEG", exif=exif)
    [shown] = (await images(turn(file(tmp_path, written.getvalue(), "image/jpeg")))).shown
    with Image.open(io.BytesIO(shown.data)) as opened:
        assert opened.size == (LONGEST_SIDE // 4, LONGEST_SIDE)


async def test_a_picture_that_claims_a_gigapixel_is_not_opened(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 9_000, 9_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    huge = bomb.replace(head, struct.pack(">IIBBBBB", 90_000, 90_000, 8, 2, 0, 0, 0))
    one, other = file(tmp_path, bomb, "image/png", "one"), file(tmp_path, huge, "image/png", "other")
    found = await images(turn(one, other))
    assert found.shown == ()
    assert found.notes[one.path] == "not shown: it has 9000 x 9000 pixels"
    assert found.notes[other.path].startswith("not shown: it ")


async def test_what_is_damaged_or_no_picture_is_not_shown(tmp_path: Path) -> None:
    files = (
        file(tmp_path, picture((3000, 3000), "JPEG")[:2000], "image/jpeg", "cut"),
        file(tmp_path, b"\x89PNG\r\n\x1a\nrest", "image/png", "png"),
        file(tmp_path, b"<html>", "text/html", "html"),
        file(tmp_path, b"x", "audio/mp4", "voice"),
    )
    found = await images(turn(*files))
    assert found.shown == ()
    assert list(found.notes.values()) == [
        "not shown: it is damaged",
        "not shown: it is damaged",
        "not shown: it is no picture that models take (text/html)",
    ]


async def test_only_so_many_pictures_are_shown_at_once(tmp_path: Path) -> None:
    data = picture((2, 2))
    files = [file(tmp_path, data, "image/png", str(number)) for number in range(MOST_PICTURES + 2)]
    found = await images(turn(*files))
    assert len(found.shown) == MOST_PICTURES
    assert list(found.notes.values())[-2:] == ["not shown: only 10 pictures are shown at once"] * 2
