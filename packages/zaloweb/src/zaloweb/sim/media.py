"""The media host: files that people send and clients upload in chunks, served with HEAD and GET."""

from __future__ import annotations

import hashlib
import mimetypes
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

from aiohttp import web

from zaloweb.sim.errors import Impossible

HOST = "sim-media.zdn.vn"
_ADDRESS = f"https://{HOST}/"
_MOST_OPEN = 200
_MOST_DONE = 5_000
_FIRST_ID = 770_000

Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file: in memory or on disk."""

    name: str
    size: int
    md5: str
    content: bytes | Path


class MediaHost:
    """Files by address. The oldest are dropped once all together exceed `limit` bytes.

    Uploads are kept in a temporary folder, which `close` removes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._count = 0
        self._stored: OrderedDict[str, StoredFile] = OrderedDict()
        self._folder: TemporaryDirectory[str] | None = None

    def put(self, name: str, data: bytes) -> str:
        """The address of a new file with these contents."""
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return self.add(StoredFile(name, len(data), md5, data))

    def add(self, stored: StoredFile) -> str:
        """The address of a new file."""
        self._count += 1
        path = f"{self._count}/{stored.name}"
        self._stored[path] = stored
        self._bytes += stored.size
        while self._bytes > self._limit and len(self._stored) > 1:
            _, oldest = self._stored.popitem(last=False)
            self._bytes -= oldest.size
            if isinstance(oldest.content, Path):
                oldest.content.unlink(missing_ok=True)
        return f"{_ADDRESS}{self._count}/{quote(stored.name, safe='')}"

    def at(self, url: str) -> StoredFile | None:
        """The file at an address, if there still is one."""
        return self._stored.get(unquote(url.removeprefix(_ADDRESS).partition("?")[0]))

    def new_path(self) -> Path:
        """A new path for an upload that is not complete yet."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="zaloweb-sim-")
        self._count += 1
        return Path(self._folder.name) / str(self._count)

    def serve(self, request: web.Request) -> web.StreamResponse:
        """The answer to HEAD or GET for a file."""
        stored = self._stored.get(request.path.lstrip("/"))
        if stored is None:
            return web.Response(status=404, text="no such file")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        kind = mimetypes.guess_type(stored.name)[0] or "application/octet-stream"
        if isinstance(stored.content, Path):
            return web.FileResponse(stored.content, headers={"Content-Type": kind})
        return web.Response(body=stored.content, content_type=kind)

    def close(self) -> None:
        """Drop all files."""
        self._stored.clear()
        if self._folder is not None:
            self._folder.cleanup()


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

    def add(self, number: int, data: bytes) -> StoredFile | None:
        """Write a chunk, counted from 1. Returns the file once it is complete. Raises `Impossible`."""
        if not 1 <= number <= self.chunks:
            raise Impossible(f"chunkId must be from 1 to {self.chunks}")
        start = (number - 1) * self._chunk_bytes
        wanted = min(self._chunk_bytes, self.size - start)
        if len(data) != wanted:
            raise Impossible(f"chunk {number} must have {wanted} bytes, not {len(data)}")
        with self._path.open("r+b") as file:
            file.seek(start)
            file.write(data)
            self._came.add(number)
            while self._hashed + 1 in self._came:  # the checksum needs the chunks in order
                file.seek(self._hashed * self._chunk_bytes)
                self._md5.update(file.read(self._chunk_bytes))
                self._hashed += 1
        if self._hashed < self.chunks:
            return None
        return StoredFile(self.name, self.size, self._md5.hexdigest(), self._path)

    def discard(self) -> None:
        """Delete the chunks received so far."""
        self._path.unlink(missing_ok=True)


class Uploads:
    """The uploads of a world: the unfinished ones by what their chunks share, the finished ones by id.

    Chunks may come in any order and concurrently.
    """

    def __init__(self, host: MediaHost, chunk_bytes: int) -> None:
        self._host = host
        self._chunk_bytes = chunk_bytes
        self._open: OrderedDict[Key, Upload] = OrderedDict()
        self._done: OrderedDict[str, str] = OrderedDict()
        self._count = 0

    def chunk(
        self, key: Key, *, name: str, size: int, chunks: int, number: int, data: bytes
    ) -> tuple[str, str, StoredFile] | None:
        """Take a chunk. The last one returns the upload's id, its address and the stored file.

        Raises `Impossible` for a wrong chunk.
        """
        if chunks != max(1, -(-size // self._chunk_bytes)):
            raise Impossible(f"{size} bytes are not {chunks} chunks of {self._chunk_bytes}")
        upload = self._open.get(key)
        if upload is None:
            upload = self._open[key] = Upload(self._host.new_path(), name, size, chunks, self._chunk_bytes)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].discard()
        if (upload.name, upload.size, upload.chunks) != (name, size, chunks):
            raise Impossible("another file is being uploaded with this clientId")
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
