"""Files to send: their bytes, names, sizes and kinds."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from zaloweb.errors import InvalidRequest
from zaloweb.wire import cipher
from zaloweb.wire.images import image_size
from zaloweb.wire.settings import Settings

T = TypeVar("T")

BLOCK: Final = 64 * 1024
"""Bytes of a file in memory at a time, for each connection that sends it."""

_MEGABYTE = 1024 * 1024

PathLike = str | os.PathLike[str]
"""Where a file is."""


class Kind(Enum):
    """How Zalo treats a file, by the extension of its name."""

    IMAGE = "image"
    VIDEO = "video"
    GIF = "gif"
    OTHER = "others"


_KINDS = {
    "jpg": Kind.IMAGE,
    "jpeg": Kind.IMAGE,
    "png": Kind.IMAGE,
    "webp": Kind.IMAGE,
    "mp4": Kind.VIDEO,
    "gif": Kind.GIF,
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to send: a path, or the bytes themselves.

    Others see `name`, by default that of the path. `width` and `height` are by default read from the header
    of a PNG, JPEG, WebP or GIF.
    """

    source: PathLike | bytes = field(repr=False)
    name: str = ""
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        if not self.name:
            if isinstance(self.source, bytes):
                raise InvalidRequest("bytes that are sent need a name")
            object.__setattr__(self, "name", Path(self.source).name)

    @property
    def extension(self) -> str:
        """The extension of the name as written, without the dot; "" if there is none."""
        stem, _, ending = self.name.rpartition("/")[2].rpartition(".")
        return ending if stem else ""

    @property
    def kind(self) -> Kind:
        """How Zalo treats it."""
        return _KINDS.get(self.extension.lower(), Kind.OTHER)


class LocalFile:
    """An attachment of known size. It can be read repeatedly."""

    def __init__(self, attachment: Attachment, size: int) -> None:
        self.attachment = attachment
        self.size = size

    @classmethod
    async def of(cls, attachment: Attachment) -> LocalFile:
        """Check the file. Raises `InvalidRequest` if it cannot be read or is empty."""
        try:
            size = await asyncio.to_thread(_look, attachment, lambda file: file.seek(0, io.SEEK_END))
        except OSError as error:
            raise InvalidRequest(f"{attachment.name}: the file cannot be read ({error.strerror})") from None
        if not size:
            raise InvalidRequest(f"{attachment.name}: the file is empty")
        return cls(attachment, size)

    def refuse(self, settings: Settings) -> None:
        """Raise `InvalidRequest` if the server's settings do not allow the file."""
        name, ending = self.attachment.name, self.attachment.extension.lower()
        if ending in settings.refused_extensions:
            raise InvalidRequest(f"{name}: Zalo takes no files that end in .{ending}")
        if self.size > settings.max_file_mb * _MEGABYTE:
            raise InvalidRequest(f"{name}: Zalo takes files of at most {settings.max_file_mb} MB")

    async def checksum(self) -> str:
        """The MD5 of the file, in hex."""
        return await asyncio.to_thread(_look, self.attachment, cipher.file_checksum)

    async def dimensions(self) -> tuple[int | None, int | None]:
        """Width and height: the given ones, else those of the header, else None."""
        given = self.attachment
        if given.width is not None and given.height is not None:
            return given.width, given.height
        return await asyncio.to_thread(_look, given, image_size) or (given.width, given.height)

    def slice(self, start: int, size: int, sent: Callable[[int], None] | None = None) -> FileSlice:
        """A part of it; `sent` is called with the bytes of the part sent so far, 0 at each start."""
        return FileSlice(self.attachment, start, size, sent)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Some bytes of an attachment, read while they are sent."""

    attachment: Attachment
    start: int
    size: int
    sent: Callable[[int], None] | None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in blocks. Raises `OSError` if the file became shorter meanwhile."""
        sent = self.sent or (lambda _: None)
        done = 0
        sent(done)
        # Not in a thread: a cancel meanwhile would leave the file open.
        with open_at(self.attachment, self.start) as file:
            while done < self.size:
                block = await asyncio.to_thread(file.read, min(BLOCK, self.size - done))
                if not block:
                    raise OSError("the file became shorter while it was sent")
                yield block
                done += len(block)
                sent(done)


def open_at(attachment: Attachment, start: int) -> BinaryIO:
    """The attachment's bytes from a place on."""
    source = attachment.source
    if isinstance(source, bytes):
        file: BinaryIO = io.BytesIO(source)
    else:
        file = Path(source).open("rb")  # noqa: SIM115 - closed by the caller
    file.seek(start)
    return file


def _look(attachment: Attachment, look: Callable[[BinaryIO], T]) -> T:
    with open_at(attachment, 0) as file:
        return look(file)
