"""HTTP over the control socket: one request a connection.

The standard library's client would take longer to import than the rest of a command.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from clawlane.texts import later

_PIECE = 1 << 16
_LONGEST_HEAD = 1 << 16
_LARGEST_BODY = 1 << 28


class Broken(Exception):
    """The other side ended early, or did not speak HTTP."""


class Response:
    """An answer: its status, and its body piece by piece."""

    def __init__(self, connection: socket.socket) -> None:
        """Reads the head. Raises `Broken` and `OSError`."""
        self._connection = connection
        self._rest = b""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        words = head[0].split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
            raise Broken(later("that is no answer"))
        self.status = int(words[1])
        fields = (line.partition(":") for line in head[1:])
        self._fields = {name.strip().lower(): value.strip() for name, _, value in fields}

    def field(self, name: str) -> str | None:
        """A field of the head, by its name in lower case; None if there is none."""
        return self._fields.get(name)

    def read(self) -> bytes:
        """The whole body. Raises `Broken` if it ends early or is too large."""
        pieces, size = [], 0
        for piece in self.pieces():
            size += len(piece)
            if size > _LARGEST_BODY:
                raise Broken(later("the answer is too large"))
            pieces.append(piece)
        return b"".join(pieces)

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes. Raises `Broken` if it ends early."""
        if self._fields.get("transfer-encoding", "").lower() == "chunked":
            while size := self._chunk_size():
                yield from self._exactly(size)
                self._until(b"\r\n")
            return
        yield from self._exactly(self._number(self._fields.get("content-length", "0"), 10))

    def _chunk_size(self) -> int:
        return self._number(self._until(b"\r\n").decode("latin-1").partition(";")[0], 16)

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._rest[:size] or self._receive(min(size, _PIECE))
            self._rest = self._rest[len(piece) :]
            size -= len(piece)
            yield piece

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            if len(self._rest) > _LONGEST_HEAD:
                raise Broken(later("a line of the answer is too long"))
            self._rest += self._receive(_PIECE)
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _receive(self, most: int) -> bytes:
        piece = self._connection.recv(most)
        if not piece:
            raise Broken(later("the answer ended early"))
        return piece

    @staticmethod
    def _number(text: str, base: int) -> int:
        try:
            return int(text.strip(), base)
        except ValueError:
            raise Broken(later("the answer has no length")) from None


def request(
    path: Path, method: str, target: str, body: bytes, fields: Mapping[str, str], timeout: float
) -> tuple[socket.socket, Response]:
    """Ask the server at a socket. The caller closes the connection. Raises `Broken` and `OSError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(str(path))
        all_fields = {"Host": "gateway", "Connection": "close", "Content-Length": str(len(body)), **fields}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in all_fields.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return connection, Response(connection)
    except BaseException:
        connection.close()
        raise
