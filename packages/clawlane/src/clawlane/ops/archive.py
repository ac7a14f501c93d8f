"""What stands in a backup: a manifest, then files under names of our own, in a sealed stream.

Each file is a length of four bytes, as much JSON (`name`, `size`), and its content; a length of 0 ends them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import msgspec

from clawlane.credentials.sealed_file import SealedFileDamaged, SealedReader, SealedWriter
from clawlane.texts import later

T = TypeVar("T")
STORE, CONFIG, PLUGINS, KEY = "store.sqlite", "config", "plugins.json", "vault/key"
BLOCK = 1 << 18
"""Bytes that are read at once."""

_LONGEST = 1 << 20
_NAME = re.compile(
    r"store\.sqlite|config|plugins\.json|(?:audit|consent|vault)/PART|(?:address-book|media|outgoing)(?:/PART){1,6}".replace(
        "PART", r"(?!\.{1,2}(?:/|\Z))[^/\x00]{1,255}"
    )
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of. `migration` is the last one of its store, 0 without a store.

    It `concerns` the accounts of the config and of the store (`channel/id`); `host` is where it was made.
    """

    made_ms: int
    version: str
    migration: int
    host: str
    state_dir: str
    concerns: tuple[str, ...]
    with_session: bool
    with_media: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a backup, and its size in bytes."""

    name: str
    size: int


Take = Callable[[Entry], AbstractContextManager[Callable[[bytes], object]]]
"""What takes a file out of a backup: inside, it is called with the blocks of the content."""


class ArchiveWriter:
    """Writes a backup. Nothing is complete before `finish`."""

    def __init__(self, sealed: SealedWriter, manifest: Manifest) -> None:
        self._sealed = sealed
        self._head(manifest)

    def add(self, name: str, file: BinaryIO) -> Entry:
        """Add what is left of an open file. Raises `OSError` if it becomes shorter meanwhile."""
        start = file.tell()
        size = file.seek(0, 2) - start
        file.seek(start)
        entry = Entry(name, size)
        self._head(entry)
        while size:
            block = file.read(min(size, BLOCK))
            if not block:
                raise OSError(0, later("{name} became shorter while it was read", name=name))
            self._sealed.write(block)
            size -= len(block)
        return entry

    def finish(self) -> None:
        self._sealed.write(bytes(4))
        self._sealed.finish()

    def _head(self, value: Manifest | Entry) -> None:
        told = msgspec.json.encode(value)
        self._sealed.write(len(told).to_bytes(4, "big") + told)


class ArchiveReader:
    """Reads a backup. Raises `SealedFileUnusable`."""

    def __init__(self, sealed: SealedReader) -> None:
        self._sealed = sealed
        self.manifest = self._decoded(int.from_bytes(sealed.read(4), "big"), Manifest)

    def entries(self, take: Take) -> Iterator[Entry]:
        """The files in order, until the authentic end; each is gone through before it is given."""
        while told := self._sealed.read(4):
            size = int.from_bytes(told, "big")
            if size == 0:
                self._sealed.end()
                return
            entry = self._decoded(size, Entry)
            if not _NAME.fullmatch(entry.name) or entry.size < 0:
                raise SealedFileDamaged(later("it holds a file that no backup of this version holds"))
            with take(entry) as write:
                left = entry.size
                while left:
                    block = self._sealed.read(min(left, BLOCK))
                    write(block)
                    left -= len(block)
            yield entry

    def _decoded(self, size: int, type_: type[T]) -> T:
        if size > _LONGEST:
            raise SealedFileDamaged(later("it holds a head that is too long"))
        try:
            return msgspec.json.decode(self._sealed.read(size), type=type_)
        except msgspec.DecodeError as error:
            raise SealedFileDamaged(later("it holds a head that cannot be read")) from error
