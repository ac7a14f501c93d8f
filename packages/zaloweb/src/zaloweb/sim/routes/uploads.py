"""Uploads of pictures and files in chunks, and of a GIF's thumbnail."""

from __future__ import annotations

import asyncio

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.event_log import Uploaded
from zaloweb.sim.faults import FileDone
from zaloweb.sim.media import WrongChunk
from zaloweb.sim.pushes import file_done
from zaloweb.sim.routes.sending import thread

_UNFINISHED = "-1"


def photo(call: ApiCall) -> object:
    """A chunk of a picture; with the last one its addresses."""
    done = _take(call)
    told = {"clientFileId": call.number("clientId"), "chunkId": call.number("chunkId")}
    if done is None:
        return told | {"photoId": _UNFINISHED, "finished": 0}
    photo_id, url = done
    return told | {"normalUrl": url, "photoId": photo_id, "finished": 1, "hdUrl": url, "thumbUrl": url}


def file(call: ApiCall) -> object:
    """A chunk of a file or a video; a push around the last chunk's answer gives the address."""
    done = _take(call)
    told = {"clientFileId": call.number("clientId"), "chunkId": call.number("chunkId")}
    if done is None:
        return told | {"fileId": _UNFINISHED, "finished": 0}
    file_id, url = done
    _tell(call, file_id, url)
    return told | {"fileId": file_id, "finished": 1}


def thumb(call: ApiCall) -> object:
    """The thumbnail of a GIF."""
    url = call.backend.media.put(call.file.name, call.file.data)
    return {"url": url, "clientFileId": call.number("clientId")}


ROUTES = [
    Route(
        "upload photo", "POST", "file", f"/api/{place}/photo_original/upload", photo, "query", "chunkContent"
    )
    for place in ("message", "group")
]
ROUTES += [
    Route("upload file", "POST", "file", f"/api/{place}/asyncfile/upload", file, "query", "chunkContent")
    for place in ("message", "group")
]
ROUTES += [Route("upload thumb", "POST", "file", "/api/message/upthumb", thumb, "query", "fileContent")]


def _take(call: ApiCall) -> tuple[str, str] | None:
    name, size, chunks = call.text("fileName"), call.number("totalSize"), call.number("totalChunk")
    _check_limits(call, name, size)
    key = (call.account.uid, call.path, thread(call).id, call.number("clientId"))
    number, data = call.number("chunkId"), call.file.data
    try:
        done = call.backend.uploads.chunk(key, name=name, size=size, chunks=chunks, number=number, data=data)
    except WrongChunk as error:
        raise bad_parameters(str(error)) from None
    if done is None:
        return None
    upload_id, url, stored = done
    call.backend.log.add(
        Uploaded(
            account=call.account.uid,
            name=name,
            size=stored.size,
            md5=stored.md5,
            chunks=chunks,
            path=call.path,
        )
    )
    return upload_id, url


def _check_limits(call: ApiCall, name: str, size: int) -> None:
    rules = call.backend.rules
    if name.rpartition(".")[2].lower() in rules.forbidden_extensions:
        raise bad_parameters("files of this kind are not taken")
    if not 0 <= size <= rules.file_mib << 20:
        raise bad_parameters(f"a file may have {rules.file_mib} MiB")


def _tell(call: ApiCall, file_id: str, url: str) -> None:
    """Push that the file is ready: a little after the answer, unless a fault changes that."""
    fault = call.fault(FileDone)
    if fault is None:
        call.then(_after(call.backend.rules.upload_seconds, call, file_id, url))
    elif fault.when == "late":
        call.then(_after(fault.seconds, call, file_id, url))
    elif fault.when == "early":
        call.backend.background_tasks.start(_after(0.0, call, file_id, url))


async def _after(seconds: float, call: ApiCall, file_id: str, url: str) -> None:
    await asyncio.sleep(seconds)
    await call.backend.connections.push([file_done(call.account.uid, file_id, url)])
