"""The private copy of a file that is going to be sent; it stays when the original changes or goes."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

from clawlane.credentials.files import make_private_dir
from clawlane.media_types import HEAD, MediaType, media_type_of
from clawlane.messages import MediaKind, ReplyFile
from clawlane.texts import later

_LONGEST_NAME = 80
_BLOCK = 64 * 1024
_KINDS = {
    **dict.fromkeys(("jpg", "png", "webp", "gif"), MediaKind.PHOTO),
    **dict.fromkeys(("m4a", "mp3", "aac"), MediaKind.VOICE),
    "mp4": MediaKind.VIDEO,
}
"""How files are shown, by the ending that fits their content; all others are shown as files."""
_ODD = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class NotCopied(Exception):
    """A file was not copied. The text is for the operator and quotes no path."""


class PrivateFile:
    """A new private file while it is written; it gets its name when it is complete."""

    def __init__(self, folder: Path) -> None:
        make_private_dir(folder)
        self._scratch = folder / f".{secrets.token_hex(8)}"
        self._digest = hashlib.sha256()
        self.head = b""
        self._file = open(os.open(self._scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115

    @property
    def type(self) -> MediaType:
        return media_type_of(self.head)

    def write(self, block: bytes) -> None:
        self.head += block[: HEAD - len(self.head)]
        self._digest.update(block)
        self._file.write(block)

    def complete(self, name: str) -> ReplyFile:
        """The file, under a name that no other has: two answers may send the same picture."""
        if not self.head:
            raise NotCopied(later("the file is empty"))
        self._file.close()
        name = _shown_name(name, self.type)
        suffix = PurePath(name).suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", PurePath(name).suffix) else ""
        path = self._scratch.with_name(f"{self._digest.hexdigest()[:32]}-{secrets.token_hex(4)}{suffix}")
        self._scratch.rename(path)
        return ReplyFile(str(path), _KINDS.get(self.type.extension, MediaKind.FILE), name)

    def discard(self) -> None:
        self._file.close()
        self._scratch.unlink(missing_ok=True)


def copy_of(source: BinaryIO, name: str, folder: Path, max_bytes: int) -> ReplyFile:
    """A private copy of an open file, in a folder. Raises `NotCopied` for one that is too large or empty."""
    if os.fstat(source.fileno()).st_size > max_bytes:
        raise NotCopied(_too_large(max_bytes))
    private, size = PrivateFile(folder), 0
    try:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise NotCopied(_too_large(max_bytes))
            private.write(block)
        return private.complete(name)
    finally:
        private.discard()


def discard(files: Sequence[ReplyFile]) -> None:
    """Remove private files that nothing will send."""
    for file in files:
        Path(file.path).unlink(missing_ok=True)


def _too_large(max_bytes: int) -> str:
    return later("the file has more than {size:g} MB", size=max_bytes / 2**20)


def _shown_name(name: str, type_: MediaType) -> str:
    """A file name for others: one line, no folder, and the ending that fits its content.

    What only claims to be a picture or a video gets another ending: a channel may go by that.
    """
    kept = _ODD.sub("", name).strip(". ") or "file"
    stem, dot, own = kept.rpartition(".")
    if not dot:
        stem, own = kept, ""
    right = type_.extension
    if right not in _KINDS and own and own.lower() not in (*_KINDS, "jpeg"):
        right = own[:10]
    return f"{stem[:_LONGEST_NAME]}.{right}"
