"""Events of the account and its connection, as frozen values; `Event` is the union of all events."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

from zaloweb.events.conversation import (
    Deletion,
    Delivered,
    Message,
    Notice,
    OldMessages,
    OldReactions,
    Reaction,
    Seen,
    Thread,
    Typing,
    Undo,
    UnreadCleared,
)


class GroupEventKind(StrEnum):
    """What happened to a group."""

    JOIN_REQUEST = "join_request"
    JOIN = "join"
    LEAVE = "leave"
    REMOVE_MEMBER = "remove_member"
    BLOCK_MEMBER = "block_member"
    UPDATE_SETTING = "update_setting"
    UPDATE_AVATAR = "update_avatar"
    UPDATE = "update"
    NEW_LINK = "new_link"
    ADD_ADMIN = "add_admin"
    REMOVE_ADMIN = "remove_admin"
    NEW_PIN_TOPIC = "new_pin_topic"
    UPDATE_PIN_TOPIC = "update_pin_topic"
    UPDATE_TOPIC = "update_topic"
    UPDATE_BOARD = "update_board"
    REMOVE_BOARD = "remove_board"
    REORDER_PIN_TOPIC = "reorder_pin_topic"
    UNPIN_TOPIC = "unpin_topic"
    REMOVE_TOPIC = "remove_topic"
    ACCEPT_REMIND = "accept_remind"
    REJECT_REMIND = "reject_remind"
    REMIND_TOPIC = "remind_topic"
    UNKNOWN = "unknown"


class GroupEvent(msgspec.Struct, frozen=True):
    """Something happened to a group. `act` is the server's word for it, even if `kind` is unknown.

    `data` depends on the kind; most have groupName, creatorId, sourceId, updateMembers. `is_self`: the
    account did it or is one of the members concerned.
    """

    thread: Thread
    kind: GroupEventKind
    act: str
    is_self: bool
    data: dict[str, Any]

    def __repr__(self) -> str:
        return f"GroupEvent({self.thread}, {self.act})"


class FriendEventKind(IntEnum):
    """What happened between the account and a person. The numbers are those of other Zalo clients."""

    ADD = 0
    REMOVE = 1
    REQUEST = 2
    UNDO_REQUEST = 3
    REJECT_REQUEST = 4
    SEEN_REQUEST = 5
    BLOCK = 6
    UNBLOCK = 7
    BLOCK_CALL = 8
    UNBLOCK_CALL = 9
    PIN_UNPIN = 10
    PIN_CREATE = 11
    UNKNOWN = 12


class FriendEvent(msgspec.Struct, frozen=True):
    """Something happened between the account and another person (`user_id`, which may be "").

    `data` is that person's id, or an object that depends on the kind. `is_self`: the account did it.
    """

    kind: FriendEventKind
    act: str
    user_id: str
    is_self: bool
    data: Any

    def __repr__(self) -> str:
        return f"FriendEvent({self.act}, {self.user_id!r})"


class FileDone(msgspec.Struct, frozen=True, gc=False):
    """The server has finished with an upload, of this client or of another device of the account."""

    file_id: str
    url: str


class CipherKey(msgspec.Struct, frozen=True, gc=False):
    """The key of this connection, or a new one; the decoder uses it from now on."""

    key: bytes

    def __repr__(self) -> str:
        return f"CipherKey({8 * len(self.key)} bits)"


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The server answered a ping."""


class Duplicate(msgspec.Struct, frozen=True, gc=False):
    """Another web client took the account over: close the connection with 3000 and do not open it again."""


class UnknownEvent(msgspec.Struct, frozen=True, gc=False):
    """An unknown command, or an unknown `kind` inside a known one.

    `body` is its JSON text, decrypted if possible.
    """

    cmd: int
    sub: int
    kind: str
    body: bytes

    def __repr__(self) -> str:
        return f"UnknownEvent({self.cmd}/{self.sub}, {self.kind!r}, {len(self.body)} bytes)"


class Undecodable(msgspec.Struct, frozen=True, gc=False):
    """A frame, or one item of a frame, that could not be read, and why. `raw` is the frame or the item.

    `cmd` is 0 if the frame was too short to have one. For a message, thread, sender, id and type are given as
    far as they can be read.
    """

    reason: str
    cmd: int
    raw: bytes
    thread: Thread | None = None
    sender_id: str = ""
    msg_id: str = ""
    msg_type: str = ""

    def __repr__(self) -> str:
        return f"Undecodable({self.cmd}: {self.reason}, {len(self.raw)} bytes)"


class Connected(msgspec.Struct, frozen=True, gc=False):
    """The connection is ready: it has its key, and missed messages can be requested."""

    endpoint: str = ""


class Disconnected(msgspec.Struct, frozen=True, gc=False):
    """A connection ended or failed. `retry_in_ms` is the wait before the next try, None for never."""

    code: int
    reason: str
    retry_in_ms: int | None


Event = (
    Message
    | Undo
    | Deletion
    | Notice
    | Reaction
    | Typing
    | Delivered
    | Seen
    | GroupEvent
    | FriendEvent
    | FileDone
    | UnreadCleared
    | OldMessages
    | OldReactions
    | CipherKey
    | Pong
    | Duplicate
    | UnknownEvent
    | Undecodable
    | Connected
    | Disconnected
)
"""Any event."""
