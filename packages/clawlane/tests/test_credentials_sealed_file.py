"""A sealed file: it comes back whole, or not at all, with the reason in one line."""

from __future__ import annotations

import io
import json

import pytest

from clawlane.credentials.sealed_file import (
    Cost,
    SealedFileDamaged,
    SealedFileTooNew,
    SealedFileUnusable,
    SealedReader,
    SealedWriter,
    WrongPassphrase,
)

CHEAP = Cost(n=2, r=1, p=1)
CHUNK = 1 << 16
WORDS = "a passphrase of the tests"


def sealed(content: bytes, passphrase: str = WORDS) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, passphrase, CHEAP)
    for start in range(0, len(content), 10_000):
        writer.write(content[start : start + 10_000])
    writer.finish()
    return file.getvalue()


def opened(raw: bytes, size: int, passphrase: str = WORDS) -> bytes:
    reader = SealedReader(io.BytesIO(raw), passphrase)
    content = reader.read(size)
    reader.end()
    return content


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_was_sealed_comes_back(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    raw = sealed(content)
    assert opened(raw, size) == content
    assert content[:64] not in raw or size < 64


def test_an_accent_may_be_typed_in_either_way() -> None:
    assert opened(sealed(b"x", "mật khẩu sao lưu"), 1, "mật khẩu sao lưu") == b"x"


def test_another_passphrase_is_told_from_damage() -> None:
    with pytest.raises(WrongPassphrase, match="the passphrase is wrong"):
        opened(sealed(b"x"), 1, "another passphrase")


def test_every_changed_byte_is_found() -> None:
    raw = sealed(b"secret" * 100)
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(SealedFileUnusable):
            opened(bytes(changed), 600)


def test_a_file_that_was_cut_off_is_found_wherever_that_was() -> None:
    size = 2 * CHUNK + 5
    raw = sealed(bytes(size))
    body = len(raw) - size - 3 * 16
    for length in (body, body + 7, body + CHUNK + 16, body + 2 * (CHUNK + 16), len(raw) - 1):
        with pytest.raises(SealedFileDamaged):
            opened(raw[:length], size)


def test_chunks_that_were_swapped_or_repeated_are_found() -> None:
    size = 2 * CHUNK + 5
    raw = sealed(bytes(size))
    body = len(raw) - size - 3 * 16
    one, two = raw[body : body + CHUNK + 16], raw[body + CHUNK + 16 : body + 2 * (CHUNK + 16)]
    rest = raw[body + 2 * (CHUNK + 16) :]
    for order in (two + one + rest, one + one + rest, one + two + rest + rest):
        with pytest.raises(SealedFileDamaged):
            opened(raw[:body] + order, size)


def test_a_newer_format_and_a_foreign_file_say_so() -> None:
    raw = sealed(b"x")
    with pytest.raises(SealedFileTooNew, match="a newer clawlane wrote it"):
        opened(raw.replace(b"backup 1\n", b"backup 2\n", 1), 1)
    for foreign in (b"", b"PK\x03\x04", b"clawlane backup ", b"clawlane backup x\n", bytes(5000)):
        with pytest.raises(SealedFileUnusable, match="no backup of clawlane"):
            opened(foreign, 1)


@pytest.mark.parametrize(
    "values",
    [{"n": 1 << 30}, {"r": 1 << 30}, {"p": 1000}, {"n": 3}, {"n": 0}, {"n": -2}, {"n": "2"}, {"n": True}],
)
def test_a_head_cannot_ask_for_what_takes_too_much(values: dict[str, object]) -> None:
    first, line, rest = sealed(b"x").split(b"\n", 2)
    told = json.dumps({**json.loads(line), **values}).encode()
    with pytest.raises(SealedFileUnusable, match=r"more memory or time|first lines"):
        opened(b"\n".join((first, told, rest)), 1)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"7", b"{" * 900, b'{"n":' + b"9" * 900])
def test_a_head_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(SealedFileUnusable):
        opened(b"clawlane backup 1\n" + line + b"\n" + bytes(100), 1)
