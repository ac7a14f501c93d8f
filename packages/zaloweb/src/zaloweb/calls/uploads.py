"""Uploading files, one chunk per call. Nobody sees a file before a message shows it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from zaloweb.calls.call import Call
from zaloweb.events import Thread, ThreadKind
from zaloweb.wire.multipart import Content, Part

_UNFINISHED = ("-1", "", "None")
_BASE_DEADLINE = 30.0
_SLOWEST = 16 * 1024  # bytes a second, below which an upload is given up


class ChunkAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a chunk. Only one chunk of a file, mostly the last, is answered with the file's id."""

    photo_id: str | int | None = None
    file_id: str | int | None = None
    normal_url: str = ""
    hd_url: str = ""
    thumb_url: str = ""
    client_file_id: str | int = ""
    chunk_id: int | str = ""
    finished: int | bool = 0

    @property
    def id(self) -> str:
        """The exact id of the finished picture or file; "" while there is none."""
        found = str(self.photo_id if self.file_id is None else self.file_id)
        return "" if found in _UNFINISHED else found


class Thumbnail(msgspec.Struct, frozen=True):
    """The address of the still picture of a GIF."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file; `number` counts from 1."""

    file_name: str
    file_size: int
    number: int
    of: int
    content: Content


def upload(thread: Thread, piece: Chunk, *, image: bool, client_id: int, imei: str) -> Call[ChunkAnswer]:
    """Uploads a chunk of a file for a thread. Sending one twice does no harm."""
    group = thread.kind is ThreadKind.GROUP
    params = {
        "grid" if group else "toid": thread.id,
        "totalChunk": piece.of,
        "fileName": piece.file_name,
        "clientId": client_id,
        "totalSize": piece.file_size,
        "imei": imei,
        "isE2EE": 0,
        "jxl": 0,
        "chunkId": piece.number,
    }
    base = "group" if group else "message"
    return Call(
        "upload",
        "POST",
        "file",
        f"/api/{base}/{'photo_original' if image else 'asyncfile'}/upload",
        ChunkAnswer,
        params,
        query=(f"type={11 if group else 2}", "params", "version"),
        part=Part("chunkContent", piece.file_name, piece.content),
        deadline=deadline_for(piece.content.size),
        safe_to_retry=True,
    )


def thumbnail(content: Content, *, client_id: int, imei: str) -> Call[Thumbnail]:
    """Uploads a GIF to get a still picture of it. The path is the same for groups."""
    params = {"clientId": client_id, "imei": imei}
    return Call(
        "upload thumbnail",
        "POST",
        "file",
        "/api/message/upthumb",
        Thumbnail,
        params,
        query=("params", "version"),
        part=Part("fileContent", "blob", content, "image/png"),
        deadline=deadline_for(content.size),
        safe_to_retry=True,
    )


def deadline_for(size: int) -> float:
    """Seconds that an upload of so many bytes may take."""
    return _BASE_DEADLINE + size / _SLOWEST
