"""Events in threads, as frozen values: messages and changes to them.

Ids are exact decimal texts. Times end in `_ms` and count from 1970. Offsets in text are Python indices (code
points). `raw` is the item on the wire, decoded at each access.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from zaloweb.events.content import Content, kind_word
from zaloweb.wire.models import read

_ANY = msgspec.json.Decoder()


class ThreadKind(IntEnum):
    """With one person, or a group. The numbers are Zalo's."""

    USER = 0
    GROUP = 1


class Thread(msgspec.Struct, frozen=True, gc=False):
    """A conversation. In a direct one the id is that of the other person."""

    kind: ThreadKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.name.lower()}:{self.id}"


class Mention(msgspec.Struct, frozen=True, gc=False):
    """A person mentioned in a text. `everyone` is @all; `user_id` is then "-1"."""

    user_id: str
    start: int
    length: int
    everyone: bool = False


class QuotedContent(msgspec.Struct, frozen=True, gc=False):
    """Quoted content other than text: kind (photo, sticker, file …), caption or name, address."""

    kind: str
    text: str = ""
    url: str = ""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The quoted message, as the sender's client described it.

    `text` is the quoted text, or the caption of the quoted content. `quoted` is the picture, file, sticker …,
    None for a text. `type_number` is the kind of the quoted message (1 text, 32 photo …), `attachment` a JSON
    text or "". An id that the client did not know is "".
    """

    owner_id: str
    owner_name: str
    msg_id: str
    cli_msg_id: str
    text: str
    type_number: int
    attachment: str
    sent_ms: int
    ttl_ms: int
    quoted: QuotedContent | None = None


class Album(msgspec.Struct, frozen=True, gc=False):
    """The album of a picture or video; `total` is its size, 0 if unknown."""

    id: str
    total: int = 0


class FromWire(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from one item of a frame. `wire` is the JSON text of that item."""

    wire: msgspec.Raw

    @property
    def raw(self) -> dict[str, Any]:
        """The item with all its fields; whole numbers are exact."""
        item: dict[str, Any] = read(_ANY, self.wire)
        return item


class Message(FromWire, frozen=True):
    """A message in a thread, from somebody else or from the account itself on any device (`is_self`).

    `sender_id` is the account's own id for "0" on the wire. `msg_id`, `cli_msg_id` and `msg_type` are "" if
    missing. `sent_ms` is 0 if the time is missing or cannot be right; a time in the future is not changed.
    The message disappears after `ttl_ms`, 0 for never. `forwarded` says that somebody passed on what was
    written elsewhere.
    """

    thread: Thread
    sender_id: str
    sender_name: str
    is_self: bool
    msg_id: str
    cli_msg_id: str
    msg_type: str
    content: Content
    mentions: tuple[Mention, ...]
    quote: Quote | None
    sent_ms: int
    ttl_ms: int
    album: Album | None = None
    forwarded: bool = False

    @property
    def text(self) -> str:
        """The text that a person would read: a text, caption, file name, link … or "" (a sticker)."""
        return self.content.text

    @property
    def kind(self) -> str:
        """A word for the content: text, photo, bank card …; the server's own for an unknown kind."""
        return kind_word(self.msg_type, self.content)


class Undo(FromWire, frozen=True):
    """A message was recalled: `msg_id` and `cli_msg_id` are those of the recalled message, one may be "".

    The actor need not be its author.
    """

    thread: Thread
    actor_id: str
    actor_name: str
    is_self: bool
    msg_id: str
    cli_msg_id: str
    sent_ms: int


class DeletedMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that was deleted on the account's own side. One of the ids may be "".

    `author_id` is "" if unknown. With `whole_thread` everything in the thread up to this message is deleted.
    """

    thread: Thread
    author_id: str
    msg_id: str
    cli_msg_id: str
    whole_thread: bool = False


class Deletion(FromWire, frozen=True):
    """Messages were deleted on the account's own side, by this or another device; others keep them.

    `thread` and `actor_id` are those of the item itself, "" if missing.
    """

    thread: Thread
    actor_id: str
    is_self: bool
    entries: tuple[DeletedMessage, ...]
    sent_ms: int


class Notice(FromWire, frozen=True):
    """A notice of Zalo itself in a thread: a call, a pin, a reminder, a vote. No person wrote it.

    `kind` is a word for it, for an unknown kind the server's own. `text` is what people read, "" if there is
    nothing to show. `actor_id` is who caused it, and may be "".
    """

    thread: Thread
    actor_id: str
    actor_name: str
    is_self: bool
    kind: str
    text: str
    msg_id: str
    cli_msg_id: str
    msg_type: str
    sent_ms: int


class Target(msgspec.Struct, frozen=True, gc=False):
    """The message of a reaction."""

    msg_id: str
    cli_msg_id: str


class Reaction(FromWire, frozen=True):
    """Somebody reacted to messages, or took a reaction back.

    `icon` is Zalo's code for it (`/-heart`), "" for one taken back.
    """

    thread: Thread
    actor_id: str
    actor_name: str
    is_self: bool
    targets: tuple[Target, ...]
    icon: str
    type_number: int
    sent_ms: int

    @property
    def removed(self) -> bool:
        """Whether the reaction was taken back."""
        return not self.icon


class Typing(msgspec.Struct, frozen=True, gc=False):
    """Somebody is typing. Groups of two send none."""

    thread: Thread
    user_id: str
    on_pc: bool
    sent_ms: int


class Delivered(FromWire, frozen=True):
    """A message reached people. `is_self` (groups only): the account is one of them."""

    thread: Thread
    msg_id: str
    user_ids: tuple[str, ...]
    seen_ids: tuple[str, ...]
    is_self: bool
    at_ms: int


class Seen(FromWire, frozen=True):
    """A message was seen: by the other side of a thread, or by members of a group (`user_ids`)."""

    thread: Thread
    msg_id: str
    user_ids: tuple[str, ...]
    is_self: bool


class UnreadCleared(msgspec.Struct, frozen=True, gc=False):
    """A thread was read on another device, up to a message."""

    thread: Thread
    last_msg_id: str


class OldMessages(msgspec.Struct, frozen=True):
    """The answer to a request for old messages, in the server's order.

    Own messages are among them, and so are notices, recalls and deletions.
    """

    kind: ThreadKind
    items: tuple[Message | Undo | Deletion | Notice, ...]


class OldReactions(msgspec.Struct, frozen=True):
    """The answer to a request for old reactions, in the server's order."""

    kind: ThreadKind
    items: tuple[Reaction, ...]
