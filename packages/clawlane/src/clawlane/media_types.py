"""What a file is, by its first bytes: never by its name, which its sender chose."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD = 4096
"""How many bytes of a file `media_type_of` wants to see."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """The type of a file, and the ending of its name."""

    mime: str
    extension: str

    @property
    def family(self) -> str:
        """`image`, `audio`, `video`, `text` or `application`."""
        return self.mime.partition("/")[0]


UNKNOWN = MediaType("application/octet-stream", "bin")
_HTML = MediaType("text/html", "html")
_TEXT = MediaType("text/plain", "txt")
_MP3 = MediaType("audio/mpeg", "mp3")
_MP4 = MediaType("video/mp4", "mp4")
_MARKS = (
    (b"\xff\xd8\xff", MediaType("image/jpeg", "jpg")),
    (b"\x89PNG\r\n\x1a\n", MediaType("image/png", "png")),
    (b"GIF87a", MediaType("image/gif", "gif")),
    (b"GIF89a", MediaType("image/gif", "gif")),
    (b"OggS", MediaType("audio/ogg", "ogg")),
    (b"fLaC", MediaType("audio/flac", "flac")),
    (b"ID3", _MP3),
    (b"#!AMR", MediaType("audio/amr", "amr")),
    (b"\x1aE\xdf\xa3", MediaType("video/webm", "webm")),
    (b"%PDF-", MediaType("application/pdf", "pdf")),
    (b"PK\x03\x04", MediaType("application/zip", "zip")),
)
_RIFF = {b"WEBP": MediaType("image/webp", "webp"), b"WAVE": MediaType("audio/wav", "wav")}
_BRANDS = {
    b"M4A": MediaType("audio/mp4", "m4a"),
    b"M4B": MediaType("audio/mp4", "m4a"),
    b"hei": MediaType("image/heic", "heic"),
    b"mif": MediaType("image/heic", "heic"),
    b"avi": MediaType("image/avif", "avif"),
    b"qt ": MediaType("video/quicktime", "mov"),
}
_MARKUP = re.compile(rb"\s*<(?:!doctype html|html|head|body|script|\?xml|svg)[\s>]", re.IGNORECASE)


def media_type_of(head: bytes) -> MediaType:
    """The type of a file that begins with these bytes, as far as they tell."""
    for mark, found in _MARKS:
        if head.startswith(mark):
            return found
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:11], _MP4)
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _mpeg_audio(head)
    return _text(head)


def _mpeg_audio(head: bytes) -> MediaType:
    """What begins with the sync word of MPEG audio: AAC has no layer, MP3 the third, written as 1."""
    layer = head[1] >> 1 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0:
        return MediaType("audio/aac", "aac")
    return _MP3 if layer == 1 else UNKNOWN


def _text(head: bytes) -> MediaType:
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return _HTML
    try:
        shown = head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < len(head) - 3:  # else only cut in the middle of a letter
            return UNKNOWN
        shown = head[: error.start].decode()
    printable = shown and not any(char < " " and char not in "\t\n\r\f" for char in shown)
    return _TEXT if printable else UNKNOWN
