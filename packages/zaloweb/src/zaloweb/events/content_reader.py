"""From the `content` of an item to what a message holds, by its `msgType`.

The fields are read leniently: what is missing or of another type is empty. A `params` is a JSON text inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zaloweb.events.content import (
    Card,
    Contact,
    Content,
    File,
    Gif,
    Link,
    Location,
    Photo,
    Poll,
    Sticker,
    TextContent,
    Todo,
    UnknownContent,
    Video,
    Voice,
)
from zaloweb.events.lenient import as_degrees, as_object, as_text, as_whole


def read_content(msg_type: str, content: object, extra: object = None) -> Content:
    """The content of a message. `extra` is the item's `extraData`, which may name the album of a picture."""
    if isinstance(content, str):
        return TextContent(content)
    reader = _READERS.get(msg_type)
    if reader is None or not isinstance(content, dict):
        return UnknownContent(content)
    return reader(_Fields(content, extra))


class _Fields:
    """The fields of an object content, and those in its `params`, a JSON text."""

    __slots__ = ("all", "extra", "params")

    def __init__(self, fields: dict[str, Any], extra: object) -> None:
        self.all = fields
        self.params = as_object(fields.get("params"))
        self.extra = extra

    def media(self) -> tuple[str, str, str, str]:
        get = self.all.get
        return as_text(get("title")), as_text(get("description")), as_text(get("href")), as_text(get("thumb"))

    def param(self, name: str) -> str:
        return as_text(self.params.get(name))

    def number(self, *names: str) -> int:
        return next((found for name in names if (found := as_whole(self.params.get(name)))), 0)


def _text_object(fields: _Fields) -> TextContent:
    return TextContent(UnknownContent(fields.all).text)


def _photo(fields: _Fields) -> Photo:
    return Photo(
        *fields.media(),
        hd_url=fields.param("hd"),
        width=fields.number("width"),
        height=fields.number("height"),
        size=fields.number("fileSize"),
        album_id=fields.param("group_layout_id") or _album(fields.extra),
    )


def _album(extra: object) -> str:
    return as_text(as_object(as_object(extra).get("groupMediaMsg")).get("groupLayoutId")) if extra else ""


def _gif(fields: _Fields) -> Gif:
    return Gif(*fields.media(), width=fields.number("width"), height=fields.number("height"))


def _video(fields: _Fields) -> Video:
    return Video(
        *fields.media(),
        duration_ms=fields.number("duration"),
        width=fields.number("video_width", "video_original_width"),
        height=fields.number("video_height", "video_original_height"),
        size=fields.number("fileSize"),
    )


def _voice(fields: _Fields) -> Voice:
    return Voice(
        *fields.media(),
        m4a_url=fields.param("m4a"),
        duration_ms=fields.number("duration"),
        size=fields.number("fileSize"),
    )


def _file(fields: _Fields) -> File:
    return File(
        *fields.media(),
        size=fields.number("fileSize"),
        checksum=fields.param("checksum"),
        extension=fields.param("fileExt"),
    )


def _link(fields: _Fields) -> Link:
    return Link(*fields.media(), media_title=fields.param("mediaTitle"), source=fields.param("src"))


def _card(fields: _Fields) -> Card:
    return Card(*fields.media(), action=as_text(fields.all.get("action")))


def _recommended(fields: _Fields) -> Content:
    # Zalo spells it "recommened"; of other actions only the name of contact cards is known.
    action = as_text(fields.all.get("action")).removeprefix("recommened.").removeprefix("recommended.")
    if action == "link":
        return _link(fields)
    return _contact(fields) if action == "user" else _card(fields)


def _contact(fields: _Fields) -> Contact:
    user_id = as_text(fields.all.get("params"))
    described = as_text(fields.all.get("description"))
    card = as_object(described)
    return Contact(
        *fields.media(),
        user_id=user_id if user_id.isdecimal() else "",
        phone=as_text(card.get("phone")) if card else described,
    )


def _location(fields: _Fields) -> Location:
    latitude, longitude = fields.params.get("latitude"), fields.params.get("longitude")
    return Location(*fields.media(), latitude=as_degrees(latitude), longitude=as_degrees(longitude))


def _sticker(fields: _Fields) -> Sticker:
    get = fields.all.get
    return Sticker(as_whole(get("id")), as_whole(get("catId")), as_whole(get("type")))


def _todo(fields: _Fields) -> Todo:
    return Todo(
        as_text(as_object(fields.params.get("item")).get("content")) or UnknownContent(fields.all).text
    )


def _poll(fields: _Fields) -> Poll:
    return Poll(fields.all)


_READERS: dict[str, Callable[[_Fields], Content]] = {
    "webchat": _text_object,
    "chat.photo": _photo,
    "chat.doodle": _photo,
    "chat.gif": _gif,
    "chat.video.msg": _video,
    "chat.voice": _voice,
    "chat.sticker": _sticker,
    "share.file": _file,
    "chat.link": _link,
    "chat.recommended": _recommended,
    "chat.location.new": _location,
    "chat.todo": _todo,
    "group.poll": _poll,
    "chat.ecard": _card,
    "chat.webcontent": _card,
    "chat.list.action": _card,
    "chat.inform": _card,
    "chat.zalo.me": _card,
}
