"""Files at addresses that a message names: how large they are, and bringing them to this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from zaloweb.errors import HttpStatusError, LinkExpired, TooLarge
from zaloweb.transport.external import ExternalResponse
from zaloweb.transport.http import Transport
from zaloweb.wire.envelope import readable

log = logging.getLogger(__name__)

DOWNLOAD_S: Final = 600.0
"""Seconds that a download may take as a whole."""

_NAME = "download"
_LARGEST_ERROR = 4096


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that is here now."""

    path: Path
    size: int
    content_type: str


class _FileServerError(msgspec.Struct):
    """What a file server says with status 200 instead of the file."""

    err_code: str | int
    message: str


async def size_of(transport: Transport, url: str) -> int:
    """How many bytes are behind an address, 0 where its host does not say.

    Raises `NetworkError` when the host cannot be reached, `InvalidRequest` for an address that is no https.
    """
    async with transport.outside("HEAD", url, name="look at a file") as answer:
        return (answer.size or 0) if 200 <= answer.status < 300 else 0


async def download(
    transport: Transport,
    url: str,
    path: str | os.PathLike[str],
    *,
    max_bytes: int,
    deadline: float = DOWNLOAD_S,
) -> Downloaded:
    """Fetch a file to a path, in blocks; it stands there whole or not at all.

    Raises `TooLarge` as soon as it is known that there are more than `max_bytes`, `LinkExpired` when the
    address has lost its right, `HttpStatusError`, `NetworkError`, `InvalidRequest` for an address that is no
    https, and `OSError` when the file cannot be written.
    """
    async with transport.outside("GET", url, name=_NAME, deadline=deadline) as answer:
        if not 200 <= answer.status < 300:
            raise HttpStatusError(_NAME, answer.status)
        if answer.size is not None and answer.size > max_bytes:
            raise TooLarge(f"{_NAME}: the file has {answer.size} bytes, more than the {max_bytes} allowed")
        return await _save(answer, Path(path), max_bytes)


async def _save(answer: ExternalResponse, path: Path, max_bytes: int) -> Downloaded:
    size = 0
    with _temporary_file(path) as (name, file):
        async for block in answer.blocks():
            size += len(block)
            if size > max_bytes:
                raise TooLarge(f"{_NAME}: the file has more than the {max_bytes} bytes allowed")
            await asyncio.to_thread(file.write, block)
        await asyncio.to_thread(file.flush)
        file.close()  # Windows does not rename an open file
        if size <= _LARGEST_ERROR and (told := readable(name.read_bytes(), _FileServerError)):
            reason = f"the link is not valid any more ({told.message}, code {told.err_code})"
            raise LinkExpired(f"{_NAME}: {reason}")
        await asyncio.to_thread(os.replace, name, path)
    log.debug("%s: %d bytes", _NAME, size)
    return Downloaded(path, size, answer.content_type)


@contextmanager
def _temporary_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside the path, gone afterwards unless it was given another name."""
    handle, made = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    name = Path(made)
    try:
        with open(handle, "wb") as file:
            yield name, file
    finally:
        name.unlink(missing_ok=True)
