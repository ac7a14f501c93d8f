"""The values that flow between a channel, the access rules, the turns and the agent.

They are the same for every channel: ids are exact strings, times are milliseconds since 1970 (`_ms`), offsets
in text are Python indices (code points). What only the channel understands travels in `token`, which nobody
else opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import overload


class ThreadKind(StrEnum):
    """A conversation with one person, or a group."""

    DM = "dm"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a message stands. A DM's id is the other person's id."""

    kind: ThreadKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Mention:
    """A person named in a text. `everyone` is the channel's @all, which names nobody in particular."""

    user_id: str
    start: int
    length: int
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something in a message that is not its text. `kind` is the channel's word: photo, sticker, file …"""

    kind: str
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a message answers to.

    The ids and `owner_id` are empty where the channel did not say. `text` is what people read in the quote;
    `attachment` is the quoted picture, file or sticker.
    """

    message_id: str
    owner_id: str
    text: str
    client_id: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Album:
    """The set of pictures that a message is part of. `total` is how many it has, 0 where nobody said."""

    id: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that somebody wrote, as the channel read it. Nothing has been decided about it yet.

    `message_id` is the platform's id and `client_id` the one that the sender's device gave it; either may be
    empty. `kind` is the channel's word for what was sent (text, photo, sticker …). `sent_ms` is 0 where the
    channel could not tell the time: the message is new, and is stored with the time of reading. `live` is
    false for a message fetched later, by catch-up, and for one that was pushed as part of a backlog.
    `sender_is_friend` is None where the channel cannot tell.
    """

    account: str
    message_id: str
    thread: Thread
    sender_id: str
    sender_name: str
    text: str
    sent_ms: int
    mentions: tuple[Mention, ...] = ()
    quote: Quote | None = None
    attachments: tuple[Attachment, ...] = ()
    sender_is_friend: bool | None = None
    live: bool = True
    token: str = field(default="", repr=False)
    client_id: str = ""
    kind: str = "text"
    album: Album | None = None


LONGEST_WINDOW_MS = 60_000
"""The longest that a message waits for others to be answered with it, in milliseconds."""


def merge_messages(messages: Sequence[Inbound]) -> Inbound:
    """Several messages of one sender in one thread, of which there is at least one, as if they were one.

    The texts stand on lines of their own, everything attached in order, the first quote counts, and the rest
    is that of the first message.
    """
    first = messages[0]
    if len(messages) == 1:
        return first
    text, mentions = "", []
    for one in messages:
        start = len(text) + 1 if text and one.text else len(text)
        text = "\n".join(filter(None, (text, one.text)))
        mentions += [replace(mention, start=mention.start + start) for mention in one.mentions]
    return replace(
        first,
        text=text,
        mentions=tuple(mentions),
        quote=next((one.quote for one in messages if one.quote), None),
        attachments=tuple(attachment for one in messages for attachment in one.attachments),
    )


@dataclass(frozen=True, slots=True)
class Own:
    """A message of the account itself: an echo of what the gateway sent, or the owner writing from the phone.

    `client_id` is the id its sender gave it, by which the outbox knows its own.
    """

    account: str
    message_id: str
    client_id: str
    thread: Thread
    text: str
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Undone:
    """A message that was recalled for everybody. It counts only where `actor_id` wrote the message.

    One of the two ids may be empty.
    """

    account: str
    thread: Thread
    message_id: str
    actor_id: str
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message that the account's owner deleted on their own side; the others still have it.

    It counts only where `author_id` wrote the message. With `whole_thread` the conversation was cleared up to
    this message, whoever wrote it. One of the two ids may be empty.
    """

    account: str
    thread: Thread
    message_id: str
    author_id: str
    client_id: str = ""
    whole_thread: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the platform itself wrote into a conversation: a call, a pin, a reminder, a poll vote.

    Nobody said it, so that nobody is answered. `kind` is the channel's word for it, `text` what people read,
    empty where that is not fit to be shown. `actor_id` is empty where the platform did not say.
    """

    account: str
    thread: Thread
    message_id: str
    kind: str
    text: str
    sent_ms: int
    actor_id: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that the channel could not read as anything. `reason` is for the operator: no content in it."""

    account: str
    reason: str
    kind: str = ""
    thread: Thread | None = None
    message_id: str = ""
    sender_id: str = ""


Fact = Own | Undone | Deleted | Notice | Unreadable
"""What a channel observes that is no message to answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent answers: markdown text, not yet fitted to any channel."""

    text: str


@dataclass(frozen=True, slots=True)
class Style:
    """A stretch of text with a look. `name` is bold, italic, strike, red …; indices are code points."""

    start: int
    length: int
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """One outgoing text message, short enough for the channel.

    `client_id` is the sender's own id for it, set when the chunk is written to the outbox and the same over
    retries.
    """

    thread: Thread
    text: str
    styles: tuple[Style, ...] = ()
    client_id: str = ""


Outgoing = Text
"""What a channel can be asked to send."""


@dataclass(frozen=True, slots=True)
class Typing:
    """An answer to this thread is being written."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message has reached the account; `seen` is what the same call says about its being read."""

    thread: Thread
    message_id: str
    seen: bool
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A message has been read."""

    thread: Thread
    message_id: str
    token: str = field(repr=False)


Signal = Typing | Delivered | Seen
"""What others are shown without a message. `token` is the one of the `Inbound` that is meant."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform answered to one send: the ids under which others see it."""

    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an account knows. `name` is what the account's owner sees; `aliases` are their other names.

    `is_friend` is None where the channel cannot tell.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    is_friend: bool | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group the account is in. `member_count` is None where the channel did not say."""

    id: str
    name: str
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class Members(Sequence[Person]):
    """Who is in a group, as far as the platform tells.

    `total` is how many there are, as the platform says; None where it does not. A group may hide its members:
    then there are more than it tells.
    """

    people: tuple[Person, ...]
    total: int | None = None

    @property
    def hidden(self) -> int:
        """How many members the platform does not name."""
        return max(0, (self.total or 0) - len(self.people))

    @overload
    def __getitem__(self, index: int) -> Person: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Person]: ...
    def __getitem__(self, index: int | slice) -> Person | Sequence[Person]:
        return self.people[index]

    def __len__(self) -> int:
        return len(self.people)
