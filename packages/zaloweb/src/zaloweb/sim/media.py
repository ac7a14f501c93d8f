"""The media host: files that people send and clients upload, served with HEAD and GET."""

from __future__ import annotations

import hashlib
import mimetypes
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

from aiohttp import web

HOST = "sim-media.zdn.vn"
_ADDRESS = f"https://{HOST}/"


@dataclass(frozen=True, slots=True)
class Stored:
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
        self._stored: OrderedDict[str, Stored] = OrderedDict()
        self._folder: TemporaryDirectory[str] | None = None

    def put(self, name: str, data: bytes) -> str:
        """The address of a new file with these contents."""
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return self.add(Stored(name, len(data), md5, data))

    def add(self, stored: Stored) -> str:
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
        return _ADDRESS + quote(path)

    def at(self, url: str) -> Stored | None:
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
