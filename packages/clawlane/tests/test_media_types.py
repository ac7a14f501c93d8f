"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawlane.media_types import HEAD, UNKNOWN, media_type_of

ZEROS = b"\x00" * 32
CASES = [
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n" + ZEROS, "image/png", "png"),
    (b"GIF89a" + ZEROS, "image/gif", "gif"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", "webp"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav", "wav"),
    (b"RIFF\x00\x00\x00\x00AVI LIST", "application/octet-stream", "bin"),
    (b"\x00\x00\x00\x18ftypheic" + ZEROS, "image/heic", "heic"),
    (b"\x00\x00\x00\x18ftypavif" + ZEROS, "image/avif", "avif"),
    (b"\x00\x00\x00\x1cftypM4A " + ZEROS, "audio/mp4", "m4a"),
    (b"\x00\x00\x00\x1cftypisom" + ZEROS, "video/mp4", "mp4"),
    (b"\x00\x00\x00\x1cftypqt  " + ZEROS, "video/quicktime", "mov"),
    (b"ID3\x04" + ZEROS, "audio/mpeg", "mp3"),
    (b"\xff\xfb\x90\x00" + ZEROS, "audio/mpeg", "mp3"),
    (b"\xff\xf1\x50\x80" + ZEROS, "audio/aac", "aac"),
    (b"\xff\xf9\x50\x80" + ZEROS, "audio/aac", "aac"),
    (b"\xff\xe0\x00\x00", "application/octet-stream", "bin"),
    (b"OggS" + ZEROS, "audio/ogg", "ogg"),
    (b"#!AMR\n", "audio/amr", "amr"),
    (b"\x1aE\xdf\xa3" + ZEROS, "video/webm", "webm"),
    (b"%PDF-1.7", "application/pdf", "pdf"),
    (b"PK\x03\x04" + ZEROS, "application/zip", "zip"),
    (b"  <!DOCTYPE HTML><p>", "text/html", "html"),
    (b"\xef\xbb\xbf<html lang='vi'>", "text/html", "html"),
    (b"<svg onload='x'>", "text/html", "html"),
    ("Chào em, chiều nay họp".encode(), "text/plain", "txt"),
    (b"text\x00with a zero", "application/octet-stream", "bin"),
    (b"\xff\xfe\xfd", "application/octet-stream", "bin"),
    (b"", "application/octet-stream", "bin"),
]


@pytest.mark.parametrize(("head", "mime", "extension"), CASES)
def test_its_content_says_what_it_is(head: bytes, mime: str, extension: str) -> None:
    found = media_type_of(head)
    assert (found.mime, found.extension) == (mime, extension)


def test_a_text_that_is_cut_in_the_middle_of_a_letter_is_a_text() -> None:
    whole = ("ế" * HEAD).encode()
    assert [media_type_of(whole[:length]).extension for length in range(HEAD, HEAD + 3)] == ["txt"] * 3
    assert media_type_of("ếế".encode()[:-1]) is UNKNOWN


@given(st.binary(max_size=64))
def test_anything_has_a_type(head: bytes) -> None:
    assert "/" in media_type_of(head).mime
