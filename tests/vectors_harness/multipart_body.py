"""A multipart body taken apart by hand, so that every byte of its shape is looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Multipart:
    """A boundary and the parts between: header lines and contents."""

    boundary: str
    parts: list[tuple[list[str], bytes]]

    @classmethod
    def read(cls, content_type: str, body: bytes) -> Multipart:
        """Take a body apart; an assertion fails where it is not exactly of the shape it must have."""
        kind, _, boundary = content_type.partition("; boundary=")
        assert kind == "multipart/form-data"
        first, *between, last = (b"\r\n" + body).split(f"\r\n--{boundary}".encode())
        assert (first, last) == (b"", b"--\r\n")
        return cls(boundary, [_part(part) for part in between])

    def described(self) -> list[dict[str, Any]]:
        """The parts in the words of the recordings."""
        return [
            {
                "header_lines": lines,
                "size": len(content),
                "md5": hashlib.md5(content).hexdigest(),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for lines, content in self.parts
        ]


def _part(text: bytes) -> tuple[list[str], bytes]:
    assert text.startswith(b"\r\n")
    head, _, content = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), content
