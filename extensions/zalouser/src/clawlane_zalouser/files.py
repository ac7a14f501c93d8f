"""Files on their way to Zalo: uploaded first, which nobody sees, and then shown."""

from __future__ import annotations

import struct
import zlib
from functools import cache

from clawlane.messages import Media, MediaKind, Photos
from zaloweb import events
from zaloweb.calls.media import Uploaded, UploadedFile, UploadedImage, VideoLink
from zaloweb.calls.messages import Sent
from zaloweb.client import Zalo
from zaloweb.errors import NoAnswer, ProtocolError
from zaloweb.media.attachments import Attachment

_WIDTH, _HEIGHT = 1280, 720


def moves(name: str) -> bool:
    """Whether this picture is a GIF, which Zalo shows neither with a caption nor in an album."""
    return name.lower().endswith(".gif")


async def send_media(zalo: Zalo, thread: events.Thread, out: Media) -> Sent:
    """Show one file. Raises `ZaloError`."""
    client_id = int(out.client_id)
    [uploaded] = await zalo.upload(thread, [Attachment(out.path, out.name)], client_id=client_id)
    match out.kind, uploaded:
        case MediaKind.VOICE, UploadedFile(url=url):
            return await zalo.send_voice(thread, url, client_id=client_id)
        case MediaKind.VIDEO, UploadedFile(url=url):
            cover = Attachment(_cover(), "cover.png", _WIDTH, _HEIGHT)
            [picture] = await zalo.upload(thread, [cover], client_id=client_id)
            assert isinstance(picture, UploadedImage)
            video = VideoLink(url, picture.normal_url, width=_WIDTH, height=_HEIGHT)
            return await zalo.send_video(thread, video, client_id=client_id)
    caption = out.caption if isinstance(uploaded, UploadedImage) else ""
    try:
        [sent] = await zalo.send_uploaded(thread, [uploaded], client_id=client_id, caption=caption)
    except NoAnswer as error:
        if isinstance(uploaded, UploadedFile) and uploaded.client_id != client_id:
            # Its echo will have an id that nobody here knows, so that it cannot be told to be missing.
            raise ProtocolError(error.call, f"{error.reason}; Zalo gave the file an id of its own") from error
        raise
    return sent


async def send_photos(zalo: Zalo, thread: events.Thread, out: Photos) -> tuple[Sent, ...]:
    """Show pictures as an album. Raises `ZaloError`."""
    client_id = int(out.client_id)
    files: tuple[Uploaded, ...] = await zalo.upload(thread, list(out.paths), client_id=client_id)
    return await zalo.send_uploaded(thread, files, client_id=client_id)


@cache
def _cover() -> bytes:
    """A dark picture to show before a video is played: Zalo wants one, and we do not look into videos."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 1, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress((b"\0" + bytes(_WIDTH // 8)) * _HEIGHT, 9)),
            (b"IEND", b""),
        )
    )
