"""Small compressed data that grows large when a client unpacks it whole."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from functools import cache

import brotli

from zaloweb.sim.faults import Encoding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MEBIBYTE = b" " * (1 << 20)
_WBITS = {"gzip": 31, "deflate": 15}


@cache
def compressed_blanks(encoding: Encoding, mebibytes: int) -> bytes:
    """So many mebibytes of blanks, compressed. Slow for many."""
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
