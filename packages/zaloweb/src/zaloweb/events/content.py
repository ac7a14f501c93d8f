"""Contents of messages: text, photo, file, sticker … Each has the `text` that a person would read.

The shapes are those of recordings and of other clients' public code. Missing fields are empty. `text` is
never JSON of the wire.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

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

BANK_CARD = "zinstant.bankcard"
"""The action of bank cards, under `chat.webcontent` and under `webchat`."""

_STICKER_PICTURES = "https://zalo-api.zadn.vn/api/emoticon/sticker/webpc?eid="


def type_number(msg_type: str) -> int:
    """The number of a `msgType` in quotes; 1, as for text, if it has none of its own."""
    return _TYPE_NUMBERS.get(msg_type, 1)


class TextContent(msgspec.Struct, frozen=True, gc=False):
    """A text."""

    kind: ClassVar[str] = "text"
    text: str


class Media(msgspec.Struct, frozen=True, gc=False):
    """The fields of all contents with a title and a link. Any may be ""."""

    title: str
    description: str
    url: str
    thumb_url: str

    @property
    def text(self) -> str:
        """The title, else the description."""
        return self.title or self.description


class Photo(Media, frozen=True, gc=False):
    """A picture or a doodle; `title` is its caption.

    Pictures of an album are separate messages with the same `album_id`.
    """

    kind: ClassVar[str] = "photo"
    hd_url: str
    width: int
    height: int
    size: int
    album_id: str

    @property
    def text(self) -> str:
        """The caption."""
        return self.title


class Gif(Media, frozen=True, gc=False):
    """A moving picture."""

    kind: ClassVar[str] = "gif"
    width: int
    height: int


class Video(Media, frozen=True, gc=False):
    """A video; `size` in bytes, 0 if unknown."""

    kind: ClassVar[str] = "video"
    duration_ms: int
    width: int
    height: int
    size: int


class Voice(Media, frozen=True, gc=False):
    """A voice message, as AAC and often as M4A too."""

    kind: ClassVar[str] = "voice"
    m4a_url: str
    duration_ms: int
    size: int


class File(Media, frozen=True, gc=False):
    """A file; `title` is its name, `checksum` its MD5, `extension` has no dot."""

    kind: ClassVar[str] = "file"
    size: int
    checksum: str
    extension: str


class Link(Media, frozen=True, gc=False):
    """A link with its preview. `title` is what the sender wrote, `media_title` the page's own."""

    kind: ClassVar[str] = "link"
    media_title: str
    source: str

    @property
    def text(self) -> str:
        """The title, and the address unless the title contains it."""
        return self.title if self.url in self.title else _lines(self.title, self.url)


class Card(Media, frozen=True, gc=False):
    """Another card, by `action`: bank cards, templates, cards of Official Accounts.

    `shown` is the sentence that Zalo's clients show for it. The data of a bank card is not in the message but
    on the page at its `url`.
    """

    action: str
    shown: str = ""

    @property
    def kind(self) -> str:
        """The kind of card."""
        return "bank card" if self.action == BANK_CARD else "card"

    @property
    def text(self) -> str:
        """The shown sentence, else title and description, else the kind in brackets."""
        return self.shown or _lines(self.title, self.description) or f"[{self.kind}]"


class Contact(Media, frozen=True, gc=False):
    """A contact card; `title` is the name, `description` is as on the wire."""

    kind: ClassVar[str] = "contact"
    user_id: str
    phone: str

    @property
    def text(self) -> str:
        """Name and telephone number."""
        return _lines(self.title, self.phone) or "[contact]"


class Location(Media, frozen=True, gc=False):
    """A place on the map, in degrees; title and description are its address. `live` while it moves."""

    latitude: float
    longitude: float
    live: bool = False

    @property
    def kind(self) -> str:
        """The kind of location."""
        return "live location" if self.live else "location"

    @property
    def text(self) -> str:
        """The address, or the coordinates without one."""
        degrees = f"{self.latitude}, {self.longitude}" if self.latitude or self.longitude else ""
        return _lines(self.title, self.description) or degrees or f"[{self.kind}]"


class Sticker(msgspec.Struct, frozen=True, gc=False):
    """A sticker, without text."""

    kind: ClassVar[str] = "sticker"
    id: int
    category_id: int
    type: int

    @property
    def text(self) -> str:
        """Nothing."""
        return ""

    @property
    def url(self) -> str:
        """The address of its picture."""
        return f"{_STICKER_PICTURES}{self.id}" if self.id else ""


class Todo(msgspec.Struct, frozen=True, gc=False):
    """A task."""

    kind: ClassVar[str] = "task"
    text: str


class Poll(msgspec.Struct, frozen=True, gc=False):
    """A new poll. The options are not in the message; they have to be looked up by `id`."""

    kind: ClassVar[str] = "poll"
    id: str
    question: str

    @property
    def text(self) -> str:
        """The question."""
        return self.question or "[poll]"


class UnknownContent(msgspec.Struct, frozen=True):
    """Content of an unknown kind: `kind` is the server's word, `data` what it sent.

    `text` is what a person typed, as far as that is recognised; it may be "".
    """

    kind: str
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
"""Any content of a message."""


def kind_word(msg_type: str, content: Content) -> str:
    """A word for the content: text, photo, bank card … For an unknown kind the server's own word."""
    return "drawing" if msg_type == "chat.doodle" and isinstance(content, Photo) else content.kind


def _lines(*texts: str) -> str:
    return "\n".join(filter(None, texts))
