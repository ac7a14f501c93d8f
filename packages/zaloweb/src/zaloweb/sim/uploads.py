"""Uploads in chunks, which may come in any order and concurrently."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path

from zaloweb.sim.media import MediaHost, Stored

_MOST_OPEN = 200
_MOST_DONE = 5_000
_FIRST_ID = 770_000

Key = tuple[str, str, str, int]


class WrongChunk(Exception):
    """A chunk that does not fit its upload; the message says why."""


class Upload:
    """One unfinished upload. Chunks are written in place; all but the last have the same size."""

    def __init__(self, path: Path, name: str, size: int, chunks: int, chunk_bytes: int) -> None:
        self.name = name
        self.size = size
        self.chunks = chunks
        self._path = path
        self._chunk_bytes = chunk_bytes
        self._came: set[int] = set()
        self._hashed = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        path.touch()

    def add(self, number: int, data: bytes) -> Stored | None:
        """Write a chunk, counted from 1. Returns the file once it is complete. Raises `WrongChunk`."""
        if not 1 <= number <= self.chunks:
            raise WrongChunk(f"chunkId must be from 1 to {self.chunks}")
        start = (number - 1) * self._chunk_bytes
        wanted = min(self._chunk_bytes, self.size - start)
        if len(data) != wanted:
            raise WrongChunk(f"chunk {number} must have {wanted} bytes, not {len(data)}")
        with self._path.open("r+b") as file:
            file.seek(start)
            file.write(data)
        self._came.add(number)
        self._hash(number, data)
        if self._hashed < self.chunks:
            return None
        return Stored(self.name, self.size, self._md5.hexdigest(), self._path)

    def discard(self) -> None:
        """Delete the chunks received so far."""
        self._path.unlink(missing_ok=True)

    def _hash(self, number: int, data: bytes) -> None:
        # The checksum needs the chunks in order: those that came early are read back from the disk.
        if number == self._hashed + 1:
            self._md5.update(data)
            self._hashed += 1
        while self._hashed + 1 in self._came:
            with self._path.open("rb") as file:
                file.seek(self._hashed * self._chunk_bytes)
                self._md5.update(file.read(self._chunk_bytes))
            self._hashed += 1


class Uploads:
    """The uploads of a world: the unfinished ones by what their chunks share, the finished ones by id."""

    def __init__(self, host: MediaHost, chunk_bytes: int) -> None:
        self._host = host
        self._chunk_bytes = chunk_bytes
        self._open: OrderedDict[Key, Upload] = OrderedDict()
        self._done: OrderedDict[str, str] = OrderedDict()
        self._count = 0

    def chunk(
        self, key: Key, *, name: str, size: int, chunks: int, number: int, data: bytes
    ) -> tuple[str, str, Stored] | None:
        """Take a chunk. The last one returns the upload's id, its address and the stored file.

        Raises `WrongChunk`.
        """
        if chunks != max(1, -(-size // self._chunk_bytes)):
            raise WrongChunk(f"{size} bytes are not {chunks} chunks of {self._chunk_bytes}")
        upload = self._open.get(key)
        if upload is None:
            upload = self._open[key] = Upload(self._host.new_path(), name, size, chunks, self._chunk_bytes)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].discard()
        if (upload.name, upload.size, upload.chunks) != (name, size, chunks):
            raise WrongChunk("another file is being uploaded with this clientId")
        stored = upload.add(number, data)
        if stored is None:
            return None
        del self._open[key]
        self._count += 1
        upload_id, url = str(_FIRST_ID + self._count), self._host.add(stored)
        self._done[upload_id] = url
        if len(self._done) > _MOST_DONE:
            self._done.popitem(last=False)
        return upload_id, url, stored

    def address(self, upload_id: str) -> str | None:
        """The address of the finished upload with this id."""
        return self._done.get(upload_id)
