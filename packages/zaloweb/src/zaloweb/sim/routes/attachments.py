"""Uploading pictures, files and thumbnails in chunks; sending pictures, files, GIFs, voices and videos."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import Content, media
from zaloweb.sim.event_log import Uploaded
from zaloweb.sim.faults import FileDone
from zaloweb.sim.pushes import file_done
from zaloweb.sim.routes.sending import Outgoing, mentions, send, thread

_UNFINISHED = "-1"
_VOICE = 3
_VIDEO = 5


class _Voice(msgspec.Struct, rename="camel"):
    voice_url: str
    m4a_url: str
    file_size: int


class _Video(msgspec.Struct, rename="camel"):
    video_url: str
    thumb_url: str
    duration: int
    width: int
    height: int
    file_size: int
    title: str


def upload_photo(call: ApiCall) -> object:
    """A chunk of a picture; with the last one its addresses."""
    done = _take(call)
    answer = {"clientFileId": call.number("clientId"), "chunkId": call.number("chunkId")}
    if done is None:
        return answer | {"photoId": _UNFINISHED, "finished": 0}
    photo_id, url = done
    return answer | {"normalUrl": url, "photoId": photo_id, "finished": 1, "hdUrl": url, "thumbUrl": url}


def upload_file(call: ApiCall) -> object:
    """A chunk of a file or a video; a push around the last chunk's answer gives the address."""
    done = _take(call)
    answer = {"clientFileId": call.number("clientId"), "chunkId": call.number("chunkId")}
    if done is None:
        return answer | {"fileId": _UNFINISHED, "finished": 0}
    file_id, url = done
    _push_file_done(call, file_id, url)
    return answer | {"fileId": file_id, "finished": 1}


def upload_thumb(call: ApiCall) -> object:
    """The thumbnail of a GIF."""
    url = call.backend.media.put(call.file.name, call.file.data)
    return {"url": url, "clientFileId": call.number("clientId")}


def photo(call: ApiCall) -> object:
    """An uploaded picture, alone or as one of an album."""
    url = _uploaded(call, "photoId")
    if call.text("rawUrl") != url:
        raise bad_parameters("rawUrl must be the address of the upload")
    params = {"hd": call.text("hdUrl"), "fileSize": call.decimal("hdSize")}
    params |= {name: call.number(name) for name in ("width", "height") if name in call.params}
    caption = str(call.params.get("desc", ""))
    content = Content(
        "chat.photo", media(title=caption, href=url, thumb=call.text("thumbUrl"), params=params)
    )
    if "groupLayoutId" in call.params:
        call.json("extMsgProp", dict[str, Any])
        album_id, place = call.text("groupLayoutId"), call.number("idInGroup")
        content = content.in_album(album_id, place, call.number("totalItemInGroup"))
    outgoing = _outgoing(call, url, caption, mentions(call))
    return {"msgId": send(call, thread(call), content, outgoing).number}


def file(call: ApiCall) -> object:
    """An uploaded file."""
    url = _uploaded(call, "fileId")
    stored = call.backend.media.at(url)
    if call.text("fileUrl") != url:
        raise bad_parameters("fileUrl must be the address in the push for the upload")
    if stored is not None and stored.md5 != call.text("checksum"):
        raise bad_parameters("checksum is not that of the upload")
    params = {
        "fileSize": str(call.number("totalSize")),
        "checksum": call.text("checksum"),
        "checksumSha": "",
        "fileExt": str(call.params.get("extention", "")),
        "fdata": "{}",
        "fType": call.number("fType"),
    }
    content = Content("share.file", media(title=call.text("fileName"), href=url, params=params))
    return {"msgId": send(call, thread(call), content, _outgoing(call, url)).number}


def gif(call: ApiCall) -> object:
    """A GIF, which is in the call itself."""
    url = call.backend.media.put(call.text("fileName"), call.file.data)
    stored = call.backend.media.at(url)
    if stored is None or stored.md5 != call.text("checksum"):
        raise bad_parameters("checksum is not that of the file")
    params = {name: call.number(name) for name in ("width", "height") if name in call.params}
    content = Content("chat.gif", media(href=url, thumb=call.text("thumb"), params=params))
    return {"msgId": send(call, thread(call), content, _outgoing(call, url)).number}


def forward(call: ApiCall) -> object:
    """A voice or a video at some address."""
    kind = call.number("msgType")
    if kind == _VOICE:
        voice: _Voice = call.json("msgInfo", _Voice)
        params: dict[str, Any] = {"m4a": voice.m4a_url, "fileSize": voice.file_size}
        content = Content("chat.voice", media(href=voice.voice_url, params=params))
        outgoing = _outgoing(call, voice.voice_url)
    elif kind == _VIDEO:
        video: _Video = call.json("msgInfo", _Video)
        params = {"duration": video.duration, "fileSize": video.file_size}
        params |= {"video_width": video.width, "video_height": video.height}
        body = media(title=video.title, href=video.video_url, thumb=video.thumb_url, params=params)
        content = Content("chat.video.msg", body)
        outgoing = _outgoing(call, video.video_url, video.title)
    else:
        raise bad_parameters(f"msgType must be {_VOICE} or {_VIDEO}")
    return {"msgId": send(call, thread(call, "toId"), content, outgoing).msg_id}


ROUTES = [Route("upload thumb", "POST", "file", "/api/message/upthumb", upload_thumb, "query", "fileContent")]
for _place in ("/api/message", "/api/group"):
    ROUTES += [
        Route(
            "upload photo",
            "POST",
            "file",
            f"{_place}/photo_original/upload",
            upload_photo,
            "query",
            "chunkContent",
        ),
        Route(
            "upload file", "POST", "file", f"{_place}/asyncfile/upload", upload_file, "query", "chunkContent"
        ),
        Route("send photo", "POST", "file", f"{_place}/photo_original/send", photo, "form", recorded=True),
        Route("send file", "POST", "file", f"{_place}/asyncfile/msg", file, "form", recorded=True),
        Route("send media", "POST", "file", f"{_place}/forward", forward, "form", recorded=True),
        Route("send gif", "POST", "file", f"{_place}/gif", gif, "query", "chunkContent", recorded=True),
    ]


def _take(call: ApiCall) -> tuple[str, str] | None:
    name, size, chunks = call.text("fileName"), call.number("totalSize"), call.number("totalChunk")
    rules = call.backend.rules
    if name.rpartition(".")[2].lower() in rules.forbidden_extensions:
        raise bad_parameters("files of this kind are not taken")
    if not 0 <= size <= rules.file_mib << 20:
        raise bad_parameters(f"a file may have {rules.file_mib} MiB")
    key = (call.account.uid, call.path, thread(call).id, call.number("clientId"))
    number, data = call.number("chunkId"), call.file.data
    done = call.backend.uploads.chunk(key, name=name, size=size, chunks=chunks, number=number, data=data)
    if done is None:
        return None
    upload_id, url, stored = done
    call.record(Uploaded(name=name, size=stored.size, md5=stored.md5, chunks=chunks, path=call.path))
    return upload_id, url


def _push_file_done(call: ApiCall, file_id: str, url: str) -> None:
    """Push that the file is ready: a little after the answer, unless a fault changes that."""
    fault = call.fault(FileDone)

    async def push(seconds: float) -> None:
        await asyncio.sleep(seconds)
        await call.backend.connections.push([file_done(call.account.uid, file_id, url)])

    if fault is None:
        call.then(push(call.backend.rules.upload_seconds))
    elif fault.when == "late":
        call.then(push(fault.seconds))
    elif fault.when == "early":
        call.backend.background_tasks.start(push(0.0))


def _uploaded(call: ApiCall, name: str) -> str:
    url = call.backend.uploads.address(call.text(name))
    if url is None:
        raise bad_parameters(f"{name} is not the id of a finished upload")
    return url


def _outgoing(call: ApiCall, url: str, text: str = "", named: list[dict[str, Any]] | None = None) -> Outgoing:
    return Outgoing(
        client_id=str(call.decimal("clientId")),
        text=text,
        ttl_ms=call.number("ttl", 0),
        mentions=named or (),
        url=url,
    )
