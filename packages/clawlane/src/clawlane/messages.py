"""The values that flow between a channel, the access rules, the lane and the agent.

They are the same for every channel. Ids are exact strings, times milliseconds since 1970 (`_ms`), and
offsets in text Python indices (code points). What only the channel needs travels in `token`, which nothing
else reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from clawlane.people import Group as Group
from clawlane.people import Members as Members
from clawlane.people import Person as Person
from clawlane.threads import Thread as Thread
from clawlane.threads import ThreadKind as ThreadKind


@dataclass(frozen=True, slots=True)
class Mention:
    """A person mentioned in a text. `everyone` is the channel's @all, which is nobody in particular."""

    user_id: str
    start: int
    length: int
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a message that is not its text. `kind` is the channel's word: photo, sticker, file …

    `size` is what the platform says, in bytes, 0 if it does not. `transcript` is what was said in a voice
    message, once it was written down.
    """

    kind: str
    title: str = ""
    url: str = ""
    size: int = 0
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that a message quotes.

    The ids and `owner_id` are empty if unknown. `text` is what people read in the quote;
    `attachment` is the quoted picture, file or sticker.
    """

    message_id: str
    owner_id: str
    text: str
    client_id: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Album:
    """The set of pictures that a message is part of. `total` is their number, 0 if it is unknown."""

    id: str
    total: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from another person, as the channel read it and before any decision.

    `message_id` is the platform's id and `client_id` the one of the sender's device; either may be empty.
    `kind` is the channel's word for what was sent (text, photo, sticker …). `sent_ms` is 0 if the channel
    does not know the time; the message is then stored with the time it was read. `live` is false for a
    message that was fetched by catch-up or pushed as part of a backlog. `sender_is_friend` is None if the
    channel does not know. `by_owner` says that the account's owner wrote it: it is context and no question.
    `forwarded` says that its sender only passed it on.
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
    by_owner: bool = False
    forwarded: bool = False


LONGEST_WINDOW_MS = 60_000
"""The longest that a message waits for others to be answered with it, in milliseconds."""


def merge_messages(messages: Sequence[Inbound]) -> Inbound:
    """One message from several of one sender in one thread. `messages` must not be empty.

    Each text is on a line of its own, all attachments are kept in order, the first quote counts, and
    everything else is that of the first message.
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

    `client_id` is the id of the sending device, by which the outbox recognises its own messages. `kind`,
    `attachments`, `live` and `forwarded` are as those of an `Inbound`. A reaction names the message it is on
    (`reaction_to`), and has no ids of its own.
    """

    account: str
    message_id: str
    client_id: str
    thread: Thread
    text: str
    sent_ms: int
    kind: str = "text"
    attachments: tuple[Attachment, ...] = ()
    live: bool = True
    reaction_to: str = ""
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Undone:
    """A message that was recalled for everybody. Ignored unless `actor_id` wrote the message.

    One of the two ids may be empty. `own` says that the account itself recalled it, here or on the phone.
    """

    account: str
    thread: Thread
    message_id: str
    actor_id: str
    client_id: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message that the account's owner deleted on their own side; the others still have it.

    Ignored unless `author_id` wrote the message. With `whole_thread` the conversation was cleared up to this
    message, whoever wrote it. One of the two ids may be empty.
    """

    account: str
    thread: Thread
    message_id: str
    author_id: str
    client_id: str = ""
    whole_thread: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of the platform itself in a conversation: a call, a pin, a reminder, a poll vote.

    It has no author, so it is never answered. `kind` is the channel's word for it, `text` what people read,
    empty if it should not be shown. `actor_id` is empty if it is unknown. `warning` says that the platform
    itself wrote to the account, which it does to warn: known by the sender's id or the kind of the notice
    alone, never by a name or by words.
    """

    account: str
    thread: Thread
    message_id: str
    kind: str
    text: str
    sent_ms: int
    actor_id: str = ""
    client_id: str = ""
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that the channel could not decode. `reason` is for the operator and holds no content."""

    account: str
    reason: str
    kind: str = ""
    thread: Thread | None = None
    message_id: str = ""
    sender_id: str = ""


Fact = Own | Undone | Deleted | Notice | Unreadable
"""What a channel observes besides messages to answer."""


class MediaKind(StrEnum):
    """How a file is shown to others."""

    PHOTO = "photo"
    FILE = "file"
    VOICE = "voice"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class ReplyFile:
    """A file that goes with a reply. `path` is a private copy, made for this reply alone.

    `name` is the file's name as others see it; its ending fits what is in the file.
    """

    path: str
    kind: MediaKind
    name: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent answers: markdown text, not yet converted for any channel, or plain text.

    `author` is the name the agent goes by and `model` the model that wrote it (`provider/model`), for the
    prefix of replies; both may be empty. `tokens` are those that its requests took, 0 if nobody counted them.
    `media` is what the agent asked to attach, as it wrote it: paths and addresses that nobody has checked;
    `files` is what became of it, and `note` says what was left out. `react` is an icon for the last message
    of the turn. `people` are the members of the group, of whom the text may mention some as `@Name`.
    `quote` is the message that the first part of the text quotes.
    """

    text: str
    author: str = ""
    model: str = ""
    markdown: bool = True
    tokens: int = 0
    media: tuple[str, ...] = ()
    react: str = ""
    files: tuple[ReplyFile, ...] = ()
    note: str = ""
    people: tuple[Person, ...] = ()
    quote: Inbound | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """A styled range of text. `name` is bold, italic, strike, red …; indices are code points.

    `depth` says how deep an `indent` is.
    """

    start: int
    length: int
    name: str
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """One outgoing text message, short enough for the channel.

    `client_id` is our own id for it, set when the chunk is written to the outbox and the same for all
    retries. `quote` is the message of the same thread that it quotes. `discloses` is whom it tells, for the
    first time, that a program answers.
    """

    thread: Thread
    text: str
    styles: tuple[Style, ...] = ()
    client_id: str = ""
    mentions: tuple[Mention, ...] = ()
    quote: Inbound | None = None
    discloses: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """One outgoing file. `path` is a private copy that stays until the chunk is settled.

    `name` is the file's name as others see it, `caption` the text with it (only a photo has one). `discloses`
    is as that of a `Text`.
    """

    thread: Thread
    kind: MediaKind
    path: str
    name: str
    caption: str = ""
    client_id: str = ""
    discloses: str = ""


@dataclass(frozen=True, slots=True)
class Photos:
    """Several pictures as one album. `paths` as in `Media`.

    Each picture is a message of its own: its client id is `client_id` and its place, counted from 0.
    """

    thread: Thread
    paths: tuple[str, ...]
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that others see with a preview. `text` stands before it."""

    thread: Thread
    url: str
    text: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction to a message. `icon` is the channel's word or the emoji; empty takes the reaction back.

    `message_client_id` is the id of the sender's device, empty if unknown.
    """

    thread: Thread
    message_id: str
    icon: str
    message_client_id: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes back a message of the account for everybody.

    `message_client_id` is the id under which the account sent it.
    """

    thread: Thread
    message_id: str
    message_client_id: str
    client_id: str = ""


Outgoing = Text | Media | Photos | Link | Reaction | Undo
"""What a channel can send."""


@dataclass(frozen=True, slots=True)
class Typing:
    """An answer to this thread is being written."""

    thread: Thread


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message has reached the account; `seen` tells the same call whether it was read."""

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
"""What others are shown without a message. `token` is that of the `Inbound` it is about."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's answer to one send: the ids under which others see it.

    `client_ids` are the sender's own ids, in the same places, where the platform has chosen others than that
    of the chunk.
    """

    message_ids: tuple[str, ...]
    client_ids: tuple[str, ...] = ()
