"""What a message holds, by its `msgType`: text, photo, file, sticker … Each content knows the `text` a person
would read.

Source of the shapes: recordings of the reference client and of the public code of others; fields that are
missing or of another type are empty, never an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from zaloweb.models import Malformed, read

_ANY = msgspec.json.Decoder()
_LONGEST_NUMBER = 32
_TYPE_NUMBERS = {
    "webchat": 1,
    "chat.voice": 31,
    "chat.photo": 32,
    "chat.sticker": 36,
    "chat.doodle": 37,
    "chat.recommended": 38,
    "chat.link": 38,
    "chat.location.new": 43,
    "chat.video.msg": 44,
    "share.file": 46,
    "chat.gif": 49,
}


def type_number(msg_type: str) -> int:
    """The number that stands for a `msgType` in quotes; 1, as for text, where it has none of its own."""
    return _TYPE_NUMBERS.get(msg_type, 1)


class TextContent(msgspec.Struct, frozen=True, gc=False):
    """A text."""

    text: str


class Photo(msgspec.Struct, frozen=True, gc=False):
    """A picture or a doodle. `hd_url` may be "". The pictures of one album come one by one with the same
    `album_id`.
    """

    text: str
    caption: str
    url: str
    hd_url: str
    thumb_url: str
    width: int
    height: int
    size: int
    album_id: str


class Gif(msgspec.Struct, frozen=True, gc=False):
    """A moving picture."""

    text: str
    caption: str
    url: str
    thumb_url: str
    width: int
    height: int


class Video(msgspec.Struct, frozen=True, gc=False):
    """A video; `size` in bytes, 0 if it was not told."""

    text: str
    caption: str
    url: str
    thumb_url: str
    duration_ms: int
    width: int
    height: int
    size: int


class Voice(msgspec.Struct, frozen=True, gc=False):
    """A voice message, as AAC and often as M4A too."""

    text: str
    url: str
    m4a_url: str
    duration_ms: int
    size: int


class Sticker(msgspec.Struct, frozen=True, gc=False):
    """A sticker. There is nothing to read in it."""

    id: int
    category_id: int
    type: int

    @property
    def text(self) -> str:
        """Nothing."""
        return ""


class File(msgspec.Struct, frozen=True, gc=False):
    """A file; `checksum` is its MD5, `extension` has no dot."""

    text: str
    name: str
    url: str
    size: int
    checksum: str
    extension: str


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link with its preview. `title` is what the sender wrote, `media_title` the page's own."""

    text: str
    url: str
    title: str
    description: str
    thumb_url: str
    media_title: str
    source: str


class Contact(msgspec.Struct, frozen=True, gc=False):
    """Somebody's contact card; `user_id` and `phone` may be "" ."""

    text: str
    name: str
    user_id: str
    phone: str
    thumb_url: str


class Location(msgspec.Struct, frozen=True, gc=False):
    """A place on the map, in degrees; `address` may be ""."""

    text: str
    latitude: float
    longitude: float
    address: str


class Todo(msgspec.Struct, frozen=True, gc=False):
    """A task."""

    text: str


class Poll(msgspec.Struct, frozen=True):
    """A poll; `data` is what the server sent."""

    text: str
    data: dict[str, Any]


class Card(msgspec.Struct, frozen=True, gc=False):
    """A card of some other kind, told by `action`: greeting cards, bank cards, call logs, notices of Zalo."""

    text: str
    action: str
    title: str
    description: str
    url: str


class UnknownContent(msgspec.Struct, frozen=True):
    """Something of a kind this client does not know; `data` is what the server sent."""

    text: str
    data: Any


Content = (
    TextContent
    | Photo
    | Gif
    | Video
    | Voice
    | Sticker
    | File
    | Link
    | Contact
    | Location
    | Todo
    | Poll
    | Card
    | UnknownContent
)
"""Everything a message can hold."""


def read_content(msg_type: str, content: object, extra: object = None) -> Content:
    """The content of a message. `extra` is the item's `extraData`, which may name the album of a picture."""
    if isinstance(content, str):
        return TextContent(content)
    if not isinstance(content, dict):
        return UnknownContent(_as_json(content), content)
    reader = _READERS.get(msg_type)
    if reader is None:
        return UnknownContent(_readable(content) or _as_json(content), content)
    return reader(_Media(content, extra))


def whole(value: object) -> int:
    """A number that may be written as a text, or 0."""
    if isinstance(value, (int, float)):
        return int(value)
    digits = isinstance(value, str) and len(value) < _LONGEST_NUMBER and value.isascii() and value.isdigit()
    return int(value) if isinstance(value, str) and digits else 0


def opened(value: object) -> dict[str, Any]:
    """An object that may be written as a JSON text, or {}."""
    if isinstance(value, str) and value:
        try:
            value = read(_ANY, value)
        except Malformed:
            return {}
    return value if isinstance(value, dict) else {}


class _Media:
    """An object content with the fields all of them share."""

    __slots__ = ("extra", "fields", "params")

    def __init__(self, fields: dict[str, Any], extra: object) -> None:
        self.fields = fields
        self.params = opened(fields.get("params"))
        self.extra = extra

    def __getitem__(self, name: str) -> str:
        return _text(self.fields.get(name))

    def param(self, name: str) -> str:
        return _text(self.params.get(name))

    def number(self, *names: str) -> int:
        return next((found for name in names if (found := whole(self.params.get(name)))), 0)

    @property
    def text(self) -> str:
        return _readable(self.fields)


def _text_object(media: _Media) -> Content:
    return TextContent(media.text or _as_json(media.fields))


def _photo(media: _Media) -> Photo:
    layout = opened(opened(media.extra).get("groupMediaMsg")).get("groupLayoutId")
    return Photo(
        text=media.text,
        caption=media["title"],
        url=media["href"],
        hd_url=media.param("hd"),
        thumb_url=media["thumb"],
        width=media.number("width"),
        height=media.number("height"),
        size=media.number("fileSize"),
        album_id=media.param("group_layout_id") or _text(layout),
    )


def _gif(media: _Media) -> Gif:
    return Gif(
        text=media.text,
        caption=media["title"],
        url=media["href"],
        thumb_url=media["thumb"],
        width=media.number("width"),
        height=media.number("height"),
    )


def _video(media: _Media) -> Video:
    return Video(
        text=media.text,
        caption=media["title"],
        url=media["href"],
        thumb_url=media["thumb"],
        duration_ms=media.number("duration"),
        width=media.number("video_width", "video_original_width"),
        height=media.number("video_height", "video_original_height"),
        size=media.number("fileSize"),
    )


def _voice(media: _Media) -> Voice:
    return Voice(
        text=media.text,
        url=media["href"],
        m4a_url=media.param("m4a"),
        duration_ms=media.number("duration"),
        size=media.number("fileSize"),
    )


def _sticker(media: _Media) -> Sticker:
    fields = media.fields
    return Sticker(whole(fields.get("id")), whole(fields.get("catId")), whole(fields.get("type")))


def _file(media: _Media) -> File:
    return File(
        text=media.text,
        name=media["title"],
        url=media["href"],
        size=media.number("fileSize"),
        checksum=media.param("checksum"),
        extension=media.param("fileExt"),
    )


def _link(media: _Media) -> Link:
    return Link(
        text=media.text,
        url=media["href"],
        title=media["title"],
        description=media["description"],
        thumb_url=media["thumb"],
        media_title=media.param("mediaTitle"),
        source=media.param("src"),
    )


def _recommended(media: _Media) -> Content:
    # Zalo spells it "recommened"; what other actions are called is known for contact cards only.
    action = media["action"].removeprefix("recommened.").removeprefix("recommended.")
    if action == "link":
        return _link(media)
    return _contact(media) if action == "user" else _card(media)


def _contact(media: _Media) -> Contact:
    described = opened(media["description"])
    phone = _text(described.get("phone")) or ("" if described else media["description"])
    return Contact(
        text="\n".join(filter(None, (media["title"], phone))),
        name=media["title"],
        user_id=media["params"] if media["params"].isdigit() else "",
        phone=phone,
        thumb_url=media["thumb"],
    )


def _location(media: _Media) -> Location:
    latitude, longitude = _degrees(media.params.get("latitude")), _degrees(media.params.get("longitude"))
    address = "\n".join(filter(None, (media["title"], media["description"])))
    return Location(media.text or f"{latitude}, {longitude}", latitude, longitude, address)


def _todo(media: _Media) -> Todo:
    return Todo(_text(opened(media.params.get("item")).get("content")) or media.text)


def _poll(media: _Media) -> Poll:
    question = _text(media.params.get("question"))
    return Poll(media.text or question or _as_json(media.fields), media.fields)


def _card(media: _Media) -> Card:
    text = media.text or _as_json(media.fields)
    return Card(text, media["action"], media["title"], media["description"], media["href"])


_READERS: dict[str, Callable[[_Media], Content]] = {
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


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _readable(fields: dict[str, Any]) -> str:
    return "\n".join(filter(None, (_text(fields.get(name)) for name in ("title", "description", "href"))))


def _degrees(value: object) -> float:
    try:
        return float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
