"""The frames of the socket, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zaloweb.errors import FrameError
from zaloweb.wire import frames
from zaloweb.wire.frames import Frame

unhurried = settings(deadline=None)


def test_a_ping_is_the_bytes_of_the_reference() -> None:
    assert frames.ping(1700000000000).hex() == "01020001" + b'{"eventId":1700000000000}'.hex()


def test_requests_for_what_was_missed_are_the_bytes_of_the_reference() -> None:
    newest = frames.old_messages(group=False, request_number=0)
    older = frames.old_messages(group=True, request_number=1, last_id="123")
    assert newest == b'\x01\xfe\x01\x01{"first":true,"lastId":null,"preIds":[],"req_id":"req_0"}'
    assert older == b'\x01\xff\x01\x01{"first":true,"lastId":"123","preIds":[],"req_id":"req_1"}'
    assert frames.old_reactions(group=False, request_number=2)[:4].hex() == "01620201"
    assert frames.old_reactions(group=True, request_number=3)[:4].hex() == "01630201"


def test_a_negative_sub_command_goes_out_as_one_byte() -> None:
    assert frames.request(300, -1, {"a": "đ"}).hex() == "012c01ff7b2261223a22c491227d"


@unhurried
@given(st.integers(0, 255), st.integers(0, 65535), st.integers(0, 255), st.binary())
def test_a_frame_comes_back_as_it_went(version: int, cmd: int, sub: int, body: bytes) -> None:
    frame = Frame(version, cmd, sub, body)
    assert frames.unpack(frames.pack(frame)) == frame


@pytest.mark.parametrize("length", range(4))
def test_what_is_shorter_than_a_header_is_no_frame(length: int) -> None:
    with pytest.raises(FrameError, match=f"{length} bytes"):
        frames.unpack(bytes(length))


def test_a_command_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FrameError, match="70000"):
        frames.pack(Frame(1, 70000, 0))


def test_a_frame_shows_no_contents() -> None:
    assert repr(Frame(1, 501, 0, b'{"key":"secret"}')) == "Frame(1, 501, 0, 16 bytes)"
