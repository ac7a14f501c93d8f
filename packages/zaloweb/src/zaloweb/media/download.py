"""Files that messages link to: their sizes, and downloads."""

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
"""Seconds that a whole download may take."""

_NAME = "download"
_LARGEST_ERROR = 4096


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A downloaded file."""

    path: Path
    size: int
    content_type: str


class _FileServerError(msgspec.Struct):
    """An error of a file server, sent with status 200 instead of the file."""

    err_code: str | int
    message: str


async def size_of(transport: Transport, url: str) -> int:
    """The size of a file in bytes, 0 if its host does not say.

    Raises `NetworkError` if the host cannot be reached, `InvalidRequest` for an address that is not https.
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
    """Download a file to a path; it appears there whole or not at all.

    Raises `TooLarge` as soon as it has more than `max_bytes`, `LinkExpired` if the link is no longer valid,
    `HttpStatusError`, `NetworkError`, `InvalidRequest` for an address that is not https, and `OSError` if the
    file cannot be written.
    """
    async with transport.outside("GET", url, name=_NAME, deadline=deadline) as answer:
        if not 200 <= answer.status < 300:
            raise HttpStatusError(_NAME, answer.status)
        if answer.size is not None and answer.size > max_bytes:
            raise TooLarge(f"{_NAME}: the file has {answer.size} bytes, more than the {max_bytes} allowed")
        started = transport.clock.monotonic()
        saved = await _save(answer, Path(path), max_bytes)
        spent_ms = (transport.clock.monotonic() - started) * 1000
        log.debug("%s: status %d, %d bytes in %.0f ms", _NAME, answer.status, saved.size, spent_ms)
        return saved


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
    return Downloaded(path, size, answer.content_type)


@contextmanager
def _temporary_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside the path, deleted afterwards unless it was renamed."""
    handle, made = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    name = Path(made)
    try:
        with open(handle, "wb") as file:
            yield name, file
    finally:
        name.unlink(missing_ok=True)
