"""What a message can hold: text, photo, file, sticker … Each knows the `text` that a person would read.

The shapes are those of recordings and of other clients' public code. A field that the server left out is
empty. No `text` ever is the JSON of the wire.
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
    """The number that stands for a `msgType` in quotes; 1, as for text, where it has none of its own."""
    return _TYPE_NUMBERS.get(msg_type, 1)


class TextContent(msgspec.Struct, frozen=True, gc=False):
    """A text."""

    kind: ClassVar[str] = "text"
    text: str


class Media(msgspec.Struct, frozen=True, gc=False):
    """What all contents share that are shown with a title and lead somewhere. Any of it may be ""."""

    title: str
    description: str
    url: str
    thumb_url: str

    @property
    def text(self) -> str:
        """What the sender wrote to it: the title, else the description."""
        return self.title or self.description


class Photo(Media, frozen=True, gc=False):
    """A picture or a doodle; `title` is its caption.

    The pictures of an album come one by one with the same `album_id`.
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
    """A video; `size` in bytes, 0 if it was not told."""

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
        """What the sender wrote, and the address if that does not stand in it."""
        return self.title if self.url in self.title else _lines(self.title, self.url)


class Card(Media, frozen=True, gc=False):
    """A card of some other kind, told by `action`: bank cards, templates, cards of Official Accounts.

    `shown` is the sentence that Zalo's clients show for it. What a bank card holds is not in the message but
    on the page of its `url`.
    """

    action: str
    shown: str = ""

    @property
    def kind(self) -> str:
        """Which card."""
        return "bank card" if self.action == BANK_CARD else "card"

    @property
    def text(self) -> str:
        """The sentence that is shown for it, else title and description, else its kind in brackets."""
        return self.shown or _lines(self.title, self.description) or f"[{self.kind}]"


class Contact(Media, frozen=True, gc=False):
    """Somebody's contact card; `title` is the name, `description` as the server wrote it."""

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
        """Which of the two."""
        return "live location" if self.live else "location"

    @property
    def text(self) -> str:
        """The address, or the degrees where there is none."""
        degrees = f"{self.latitude}, {self.longitude}" if self.latitude or self.longitude else ""
        return _lines(self.title, self.description) or degrees or f"[{self.kind}]"


class Sticker(msgspec.Struct, frozen=True, gc=False):
    """A sticker. There is nothing to read in it."""

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
        """Where its picture is."""
        return f"{_STICKER_PICTURES}{self.id}" if self.id else ""


class Todo(msgspec.Struct, frozen=True, gc=False):
    """A task."""

    kind: ClassVar[str] = "task"
    text: str


class Poll(msgspec.Struct, frozen=True, gc=False):
    """Somebody asks a group. What can be answered is not told; it has to be asked for by `id`."""

    kind: ClassVar[str] = "poll"
    id: str
    question: str

    @property
    def text(self) -> str:
        """The question."""
        return self.question or "[poll]"


class UnknownContent(msgspec.Struct, frozen=True):
    """Something of a kind this client does not know: `kind` is the server's word, `data` what it sent.

    `text` is what a person typed, as far as that can be told; it may be "".
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
"""Everything a message can hold."""


def kind_word(msg_type: str, content: Content) -> str:
    """What was sent, in a word: text, photo, bank card … For an unknown kind the server's own word."""
    return "drawing" if msg_type == "chat.doodle" and isinstance(content, Photo) else content.kind


def _lines(*texts: str) -> str:
    return "\n".join(filter(None, texts))
