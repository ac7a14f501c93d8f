"""A multipart form with one file, streamed in blocks. Nothing here does I/O.

The shape is that of a browser's forms: quotation marks and line breaks in names are percent-encoded, and only
the last part of a path is sent. Source: the `parts` of the recorded uploads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

_DASHES: Final = "-" * 26
_HEX_DIGITS: Final = 24


class Content(Protocol):
    """Bytes that can be read again for each attempt of a request."""

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    def blocks(self) -> AsyncGenerator[bytes, None]:
        """All bytes, in blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A form field that holds a file."""

    field_name: str
    file_name: str
    content: Content = field(repr=False)
    content_type: str = "application/octet-stream"


class Form:
    """A request body with one part."""

    def __init__(self, part: Part, random: Random) -> None:
        boundary = _DASHES + "".join(random.choice("0123456789abcdef") for _ in range(_HEX_DIGITS))
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._content = part.content
        self._head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{part.field_name}"; '
            f'filename="{escaped(part.file_name)}"\r\n'
            f"Content-Type: {part.content_type}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    @property
    def size(self) -> int:
        """The length of the whole body in bytes."""
        return len(self._head) + self._content.size + len(self._tail)

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The whole body, in blocks."""
        yield self._head
        async with aclosing(self._content.blocks()) as blocks:
            async for block in blocks:
                yield block
        yield self._tail


def escaped(file_name: str) -> str:
    """A file name as it is written in the header of a part."""
    last = file_name.rpartition("/")[2]
    return last.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
