"""What a message can hold: text, photo, file, sticker … Each knows the `text` that a person would read.

The shapes are those of recordings and of other clients' public code. A field that the server left out is
empty.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from zaloweb.events.lenient import as_text

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


class Media(msgspec.Struct, frozen=True, gc=False):
    """What all contents share that are shown with a title and lead somewhere. Any of it may be ""."""

    title: str
    description: str
    url: str
    thumb_url: str

    @property
    def text(self) -> str:
        """Title, description and address, as far as there are any, a line each."""
        return _lines(self.title, self.description, self.url)


class Photo(Media, frozen=True, gc=False):
    """A picture or a doodle; `title` is its caption.

    The pictures of an album come one by one with the same `album_id`.
    """

    hd_url: str
    width: int
    height: int
    size: int
    album_id: str


class Gif(Media, frozen=True, gc=False):
    """A moving picture."""

    width: int
    height: int


class Video(Media, frozen=True, gc=False):
    """A video; `size` in bytes, 0 if it was not told."""

    duration_ms: int
    width: int
    height: int
    size: int


class Voice(Media, frozen=True, gc=False):
    """A voice message, as AAC and often as M4A too."""

    m4a_url: str
    duration_ms: int
    size: int


class File(Media, frozen=True, gc=False):
    """A file; `title` is its name, `checksum` its MD5, `extension` has no dot."""

    size: int
    checksum: str
    extension: str


class Link(Media, frozen=True, gc=False):
    """A link with its preview. `title` is what the sender wrote, `media_title` the page's own."""

    media_title: str
    source: str


class Card(Media, frozen=True, gc=False):
    """A card of some other kind, told by `action`: greeting cards, bank cards, call logs, notices of Zalo."""

    action: str


class Contact(Media, frozen=True, gc=False):
    """Somebody's contact card; `title` is the name, `description` as the server wrote it."""

    user_id: str
    phone: str

    @property
    def text(self) -> str:
        """Name and telephone number."""
        return _lines(self.title, self.phone)


class Location(Media, frozen=True, gc=False):
    """A place on the map, in degrees; title and description are its address."""

    latitude: float
    longitude: float

    @property
    def text(self) -> str:
        """The address, or the degrees where there is none."""
        return _lines(self.title, self.description, self.url) or f"{self.latitude}, {self.longitude}"


class Sticker(msgspec.Struct, frozen=True, gc=False):
    """A sticker. There is nothing to read in it."""

    id: int
    category_id: int
    type: int

    @property
    def text(self) -> str:
        """Nothing."""
        return ""


class Todo(msgspec.Struct, frozen=True, gc=False):
    """A task."""

    text: str


class Other(msgspec.Struct, frozen=True):
    """What all contents share whose inside is not known: `data` is what the server sent."""

    data: Any

    @property
    def text(self) -> str:
        """Title, description and address if it has any, else all of it as JSON."""
        found = self.data if isinstance(self.data, dict) else {}
        readable = _lines(*(as_text(found.get(name)) for name in ("title", "description", "href")))
        return readable or json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))


class Poll(Other, frozen=True):
    """A poll."""


class UnknownContent(Other, frozen=True):
    """Something of a kind this client does not know."""


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


def _lines(*texts: str) -> str:
    return "\n".join(filter(None, texts))
