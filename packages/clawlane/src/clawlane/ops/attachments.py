"""Files that came with messages, from the private folder of the gateway."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from clawlane.media_types import HEAD, media_type_of
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.media_files import FilePlace, MediaFiles
from clawlane.texts import later
from clawlane.threads import Thread

LARGEST = 8 << 20
"""Bytes of a file that is given out."""

_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Fetch(Request["FetchedFile"]):
    """The file of an attachment, counted from 0, of a message in a thread of an account (`channel/id`)."""

    account: str
    thread: Thread
    message_id: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file. `kind` is the channel's word, `mime` by what is in it; `name` is what its sender calls it."""

    kind: str
    mime: str
    name: str
    size: int
    content: bytes


@operation
async def fetch(ctx: OpContext, request: Fetch) -> FetchedFile:
    """Raises `OpError` for what is not there, was not fetched or is too large. Nothing is downloaded."""
    id_ = request.message_id.strip()
    place = (request.account, request.thread, id_, request.number)
    found = await ctx.ask(lambda reader: reader.attachment(*place)) if 0 < len(id_) <= _LONGEST_ID else None
    if found is None:
        raise OpError(later("no message of this conversation has such an attachment"))
    message, attached = found
    files = MediaFiles(ctx.paths.inbound_media_dir)
    path = files.find(FilePlace(request.account, message, request.number, attached.url))
    if path is None:
        told = later("the file is not on this machine: it was not fetched, or is no longer kept")
        raise OpError(told)
    content = await asyncio.to_thread(_read, path)
    mime = media_type_of(content[:HEAD]).mime
    return FetchedFile(attached.kind, mime, attached.title, len(content), content)


def _read(path: Path) -> bytes:
    """What is in a file of the folder. Raises `OpError`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise OpError(later("the file cannot be read")) from None
    with open(handle, "rb") as source:
        info = os.fstat(source.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise OpError(later("the file cannot be read"))
        if info.st_size > LARGEST:
            size, most = info.st_size / (1 << 20), LARGEST >> 20
            raise OpError(later("the file has {size:.0f} MB, at most {most} are given", size=size, most=most))
        return source.read(LARGEST)
