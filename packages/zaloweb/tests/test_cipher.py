"""Encryption beyond the recorded cases: both directions fit together, and damage is told."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zlib
from base64 import b64encode
from typing import Literal
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaloweb.errors import CipherError
from zaloweb.wire import cipher
from zaloweb.wire.cipher import EventCipher, open_event, seal_event

unhurried = settings(deadline=None)
KEY = b"sixteen bytes ok"
EVENT = json.dumps({"data": {"msgs": [{"content": "xin chào 👋"}]}}, ensure_ascii=False).encode()


@unhurried
@given(st.text(), st.sampled_from([16, 24, 32]))
def test_what_is_encrypted_can_be_decrypted(text: str, key_length: int) -> None:
    key = bytes(range(key_length))
    assert cipher.decrypt(key, cipher.encrypt(key, text)) == text.encode()


def test_answers_may_be_percent_encoded() -> None:
    sealed = cipher.encrypt(KEY, "một câu dài hơn mười sáu byte?")
    assert cipher.decrypt(KEY, quote(sealed, safe="")) == cipher.decrypt(KEY, sealed)


@pytest.mark.parametrize("damaged", ["", "AAAA", "not base64 at all!", "%E0%A4%A", "đ"])
def test_damaged_data_is_an_error(damaged: str) -> None:
    with pytest.raises(CipherError):
        cipher.decrypt(KEY, damaged)


def test_half_a_surrogate_pair_is_refused_before_it_is_sent() -> None:
    with pytest.raises(CipherError, match="surrogate"):
        cipher.encrypt(KEY, "a\ud83d")


@pytest.mark.parametrize("text", ["", "!!!", b64encode(b"short").decode(), b64encode(bytes(33)).decode()])
def test_a_key_of_a_wrong_length_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(CipherError) as refused:
        cipher.session_key(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("encrypt", [0, 1, 2, 3])
@pytest.mark.parametrize("packing", ["zlib", "gzip"])
@pytest.mark.parametrize("key_length", [16, 24, 32])
def test_an_event_opens_as_it_was_sealed(
    encrypt: int, packing: Literal["zlib", "gzip"], key_length: int
) -> None:
    key = bytes(range(key_length))
    assert open_event(seal_event(EVENT, encrypt, key, packing=packing), encrypt, key) == EVENT


def test_sealing_is_repeatable_with_a_given_nonce() -> None:
    nonce, aad = bytes(range(16)), bytes(range(16, 32))
    first, second = (seal_event(EVENT, 2, KEY, nonce=nonce, aad=aad) for _ in range(2))
    assert first == second
    assert "+" not in first
    assert "/" not in first


def test_an_event_may_come_unescaped_or_escaped_in_lower_case() -> None:
    sealed = seal_event(EVENT, 3, KEY)
    plain = sealed.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    small = sealed.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")
    assert open_event(plain, 3, KEY) == open_event(small, 3, KEY) == EVENT


def test_a_wrong_tag_is_an_error_that_shows_neither_key_nor_text() -> None:
    with pytest.raises(CipherError, match="tag") as refused:
        open_event(seal_event(EVENT, 2, KEY), 2, b"quite another ke")
    assert KEY.hex() not in str(refused.value)


def test_half_an_event_is_an_error() -> None:
    sealed = seal_event(EVENT, 2, KEY)
    for length in range(0, len(sealed), 7):
        with pytest.raises(CipherError):
            open_event(sealed[:length], 2, KEY)


def test_raw_deflate_is_refused_as_the_reference_does() -> None:
    packer = zlib.compressobj(wbits=-15)
    raw = packer.compress(EVENT) + packer.flush()
    with pytest.raises(CipherError, match="neither zlib nor gzip"):
        open_event(b64encode(raw).decode(), 1, None)


def test_a_compressed_event_that_breaks_off_is_an_error() -> None:
    packed = gzip.compress(EVENT)
    with pytest.raises(CipherError, match="breaks off"):
        open_event(b64encode(packed[:-9]).decode(), 1, None)


def test_an_event_that_would_fill_the_memory_is_refused() -> None:
    bomb = zlib.compress(bytes(cipher.EVENT_LIMIT + 1))
    with pytest.raises(CipherError, match="larger"):
        open_event(b64encode(bomb).decode(), 1, None)


def test_without_a_key_only_open_events_open() -> None:
    cipher_without_key = EventCipher(None)
    assert cipher_without_key.open("{}", 0) == b"{}"
    with pytest.raises(CipherError, match="before the connection's key"):
        cipher_without_key.open(seal_event(EVENT, 3, KEY), 3)


@unhurried
@given(st.text(), st.integers())
def test_no_data_does_worse_than_an_error(data: str, encrypt: int) -> None:
    with contextlib.suppress(CipherError):
        open_event(data, encrypt, KEY)


def test_the_checksum_is_that_of_the_whole_file() -> None:
    assert cipher.file_checksum(io.BytesIO(b"hello")) == "5d41402abc4b2a76b9719d911017c592"
    assert (
        cipher.file_checksum(io.BytesIO(bytes([7]) * (5 * 1024 * 1024 + 3)))
        == "fcdbe2b9af18ef9c39ed32c6259afbc7"
    )


def test_a_signature_goes_by_the_order_of_names_and_the_words_of_javascript() -> None:
    assert cipher.sign("getserverinfo", {"b": 2, "a": "một", "c": True}) == "dbef1f92f4faa4dc711acf52af60df9d"
    assert cipher.sign("getserverinfo", {"Z": "1", "_": "3", "a": "2"}) == "a106c049ac5a39af3bc98559dadf685f"
