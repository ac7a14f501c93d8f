"""Sending pictures, files and GIFs that were uploaded, and voices and videos from any address."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import Content, media
from zaloweb.sim.routes.sending import Outgoing, mentions, send, thread

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
        raise bad_parameters("fileUrl must be the address that the push for the upload told")
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


ROUTES = [
    Route(name, "POST", "file", f"/api/{place}/{path}", handler, "form", recorded=True)
    for place in ("message", "group")
    for name, path, handler in (
        ("send photo", "photo_original/send", photo),
        ("send file", "asyncfile/msg", file),
        ("send media", "forward", forward),
    )
]
ROUTES += [
    Route("send gif", "POST", "file", f"/api/{place}/gif", gif, "query", "chunkContent", recorded=True)
    for place in ("message", "group")
]


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
