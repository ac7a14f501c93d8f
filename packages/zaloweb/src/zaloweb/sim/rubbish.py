"""Frames and items that no client can make sense of."""

from __future__ import annotations

from typing import Any

from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

RUBBISH = (
    b"\x01",
    pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, b"{not json")),
    pack(Frame(VERSION, Cmd.USER_MESSAGES, 0, b'{"encrypt":2,"data":"bm90IGVuY3J5cHRlZA=="}')),
    pack(Frame(VERSION, Cmd.GROUP_MESSAGES, 0, b'{"encrypt":0,"data":"{}"}')),
)
"""Too short, no JSON, not encrypted with the key, and without its list."""

_BAD_ITEMS: list[Any] = [None, {"msgId": {}}, {"content": {"act_type": 5}}]


def spoiled(data: object) -> object:
    """The payload with bad items before and behind the good ones of each of its lists."""
    if not isinstance(data, dict):
        return data
    return {
        name: [*_BAD_ITEMS, *value, *_BAD_ITEMS] if isinstance(value, list) else value
        for name, value in data.items()
    }
