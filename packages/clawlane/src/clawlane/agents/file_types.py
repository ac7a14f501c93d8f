"""What kind of file something is, by its first bytes and never by its name."""

from __future__ import annotations

from clawlane.messages import MediaKind

HEAD = 512
"""How many of the first bytes are looked at."""

_PICTURES = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))
_VOICE_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ")
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body")


def kind_of(head: bytes) -> tuple[MediaKind, str]:
    """How a file is shown, and the ending that fits; the ending is empty for what is shown as a file."""
    for start, ending in _PICTURES:
        if head.startswith(start):
            return MediaKind.PHOTO, ending
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaKind.PHOTO, "webp"
    if head[4:8] == b"ftyp":
        if head[8:12] in _VOICE_BRANDS:
            return MediaKind.VOICE, "m4a"
        if head[8:12] in _VIDEO_BRANDS:
            return MediaKind.VIDEO, "mp4"
    if head.startswith(b"ID3") or _is_mpeg_audio(head):
        return MediaKind.VOICE, "mp3"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return MediaKind.VOICE, "aac"
    return MediaKind.FILE, ""


def is_page(head: bytes) -> bool:
    """Whether this is a page of the web: what a host shows instead of a file."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES)


def _is_mpeg_audio(head: bytes) -> bool:
    """Whether a frame of MPEG audio, layer 2 or 3, begins here."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer in (1, 2) and bitrate not in (0, 15) and rate != 3
