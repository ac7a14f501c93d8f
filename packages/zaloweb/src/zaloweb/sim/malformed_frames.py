"""What a client cannot decode: malformed frames and items, and small data that unpacks to a lot."""

from __future__ import annotations

import base64
import sys
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import brotli
import msgspec

from zaloweb.sim.faults import Encoding
from zaloweb.wire.frames import VERSION, Cmd, Frame, pack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MEBIBYTE = b" " * (1 << 20)
_WBITS = {"gzip": 31, "deflate": 15}

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


@cache
def compressed_blanks(encoding: Encoding, mebibytes: int) -> bytes:
    """This many mebibytes of blanks, compressed. Slow for large sizes."""
    put, end = _compressor(encoding)
    return b"".join([*(put(_MEBIBYTE) for _ in range(mebibytes)), end()])


def _compressor(encoding: Encoding) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if encoding == "br":
        brotlified = brotli.Compressor(quality=1)
        return brotlified.process, brotlified.finish
    if encoding == "zstd":
        compressor = zstd.ZstdCompressor()
        return compressor.compress, compressor.flush
    deflated = zlib.compressobj(1, wbits=_WBITS[encoding])
    return deflated.compress, deflated.flush
