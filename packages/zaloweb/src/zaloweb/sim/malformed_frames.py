"""Frames and items that a client cannot decode."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from zaloweb.sim.compression_bombs import compressed_blanks
from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

MALFORMED_FRAMES = (
    b"\x01",
    pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, b"{not json")),
    pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, b'{"encrypt":2,"data":"bm90IGVuY3J5cHRlZA=="}')),
    pack(Frame(VERSION, Cmd.GROUP_MESSAGES, 0, b'{"encrypt":0,"data":"{}"}')),
)
"""Too short, not JSON, not encrypted with the key, without its list."""

_BAD_ITEMS: list[Any] = [None, {"msgId": {}}, {"content": {"act_type": 5}}]


def with_bad_items(data: object) -> object:
    """The payload with bad items before and after the good ones of each of its lists."""
    if not isinstance(data, dict):
        return data
    return {
        name: [*_BAD_ITEMS, *value, *_BAD_ITEMS] if isinstance(value, list) else value
        for name, value in data.items()
    }


def bomb_frame(mebibytes: int) -> bytes:
    """A small frame that grows to this size when it is unpacked."""
    text = base64.b64encode(compressed_blanks("deflate", mebibytes)).decode()
    body = {"error_code": 0, "encrypt": 1, "data": text}
    return pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, msgspec.json.encode(body)))
