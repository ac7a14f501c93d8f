"""From the bytes of a frame to typed events. Nothing here does I/O, and no bytes make it raise.

A frame that cannot be opened becomes one `Undecodable`; an item that cannot be read becomes one in its place
among the others of its frame. An unknown command becomes an `UnknownEvent`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from zaloweb.errors import CipherError, FrameError
from zaloweb.events.account import CipherKey, Duplicate, Event, Pong, Undecodable, UnknownEvent
from zaloweb.events.controls import read_control
from zaloweb.events.conversation import OldMessages, OldReactions, ThreadKind
from zaloweb.events.messages import read_head, read_message, read_reaction
from zaloweb.events.receipts import read_action, read_delivered, read_seen, read_unread
from zaloweb.wire.cipher import EventCipher, base64_key
from zaloweb.wire.frames import VERSION, Cmd, Frame, unpack
from zaloweb.wire.models import Envelope, Items, KeyBody, Lists, LoosePayload, Malformed, Payload, read

_ENVELOPE = msgspec.json.Decoder(Envelope)
_PAYLOAD = msgspec.json.Decoder(Payload)
_LOOSE_PAYLOAD = msgspec.json.Decoder(LoosePayload)
_ITEMS = msgspec.json.Decoder(Items)
_KEY = msgspec.json.Decoder(KeyBody)
_ANY = msgspec.json.Decoder()
_PING, _CIPHER_KEY = Cmd.PING, Cmd.CIPHER_KEY  # Python 3.11 takes long to look a member up in its enum

ItemReader = Callable[[msgspec.Raw, ThreadKind, str], Event | str | None]
"""Reads an item of a kind of thread for the account with this id.

Gives its event, the name of an unknown one, or None if another item says the same. Raises Malformed.
"""


class Decoder:
    """Decodes the frames of one connection in their order, for the account `own_id`.

    The key that opens encrypted frames comes in a frame itself. It lives as long as the connection: take a
    new decoder for the next one, or set `key` to None.
    """

    def __init__(self, own_id: str, key: bytes | None = None) -> None:
        self._own_id = own_id
        self.key = key

    @property
    def key(self) -> bytes | None:
        """The key of this connection, once it came."""
        return self._key

    @key.setter
    def key(self, key: bytes | None) -> None:
        self._cipher = EventCipher(key)
        self._key = key

    def decode(self, data: bytes) -> list[Event]:
        """The events in a binary WebSocket message, in order; may be empty. Never raises."""
        try:
            frame = unpack(data)
        except FrameError as error:
            return [Undecodable(str(error), 0, data)]
        try:
            return self._events(frame)
        except (CipherError, Malformed) as error:
            return [Undecodable(str(error), frame.cmd, data)]

    def _events(self, frame: Frame) -> list[Event]:
        if frame.cmd == _PING:
            return [Pong()]
        if not frame.body:
            return []
        rule = _RULES.get(frame.cmd)
        if rule is None or not rule.takes(frame):
            return [self._unknown(frame)]
        if rule.lists:
            return self._listed(frame, rule)
        if frame.cmd == _CIPHER_KEY:
            self.key = key = base64_key(read(_KEY, frame.body).key)
            return [CipherKey(key)]
        read(_ANY, frame.body)
        return [Duplicate()]

    def _listed(self, frame: Frame, rule: _Rule) -> list[Event]:
        payload = self._open(frame)
        try:
            lists = read(_PAYLOAD, payload).data
        except Malformed as error:
            lists = _readable_lists(payload, str(error))
        events: list[Event] = []
        found = rule.optional
        for one in rule.lists:
            items: Items | None = getattr(lists, one.name)
            if items is not None:
                found = True
                self._read_items(frame, one, items, events)
        if not found:
            raise Malformed("the list of items is missing")
        if rule.answer is None:
            return events
        bad: list[Event] = [event for event in events if isinstance(event, Undecodable)]
        good: Any = tuple(event for event in events if not isinstance(event, Undecodable))
        return [*bad, rule.answer(rule.lists[0].kind, good)]

    def _read_items(self, frame: Frame, one: _List, items: Items, events: list[Event]) -> None:
        read_item, kind, own_id = one.read, one.kind, self._own_id
        for item in items:
            try:
                event = read_item(item, kind, own_id)
            except Malformed as error:
                event = self._undecodable(frame.cmd, str(error), one, item)
            if isinstance(event, str):
                event = UnknownEvent(frame.cmd, frame.sub, event, bytes(item))
            if event is not None:
                events.append(event)

    def _undecodable(self, cmd: int, reason: str, one: _List, item: msgspec.Raw) -> Undecodable:
        """An item that cannot be read; for a message with thread, sender, id and type, if it names them."""
        head = read_head(item, one.kind, self._own_id) if one.read is read_message else None
        if head is None:
            return Undecodable(reason, cmd, bytes(item))
        thread = head.thread if head.thread.id else None
        return Undecodable(reason, cmd, bytes(item), thread, head.sender_id, head.msg_id, head.msg_type)

    def _open(self, frame: Frame) -> bytes:
        envelope = read(_ENVELOPE, frame.body)
        return self._cipher.open(envelope.data, envelope.encrypt)

    def _unknown(self, frame: Frame) -> UnknownEvent:
        read(_ANY, frame.body)
        kind = "" if frame.version == VERSION else f"version {frame.version}"
        try:
            body = self._open(frame)
        except (CipherError, Malformed):
            body = frame.body
        return UnknownEvent(frame.cmd, frame.sub, kind, body)


@dataclass(frozen=True, slots=True)
class _List:
    """A list in a payload, and how its items are read."""

    name: str
    read: ItemReader
    kind: ThreadKind = ThreadKind.USER


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a command is read: the lists of its payload in their order.

    At least one of them must be there, unless they are `optional`. `sub` None takes any sub-command; only a
    `versioned` command insists on version 1. `answer` is the event that holds all items, for a command that
    answers a request.
    """

    lists: tuple[_List, ...] = ()
    sub: int | None = None
    versioned: bool = False
    optional: bool = False
    answer: type[OldMessages] | type[OldReactions] | None = None

    def takes(self, frame: Frame) -> bool:
        """Whether the frame has the version and the sub-command."""
        if self.versioned and frame.version != VERSION:
            return False
        return self.sub is None or frame.sub == self.sub


_USER_MESSAGES = _List("msgs", read_message)
_GROUP_MESSAGES = _List("groupMsgs", read_message, ThreadKind.GROUP)
_USER_REACTIONS = _List("reacts", read_reaction)
_GROUP_REACTIONS = _List("reactGroups", read_reaction, ThreadKind.GROUP)
_USER_RECEIPTS = (_List("delivereds", read_delivered), _List("seens", read_seen))
_GROUP_RECEIPTS = (
    _List("delivereds", read_delivered, ThreadKind.GROUP),
    _List("groupSeens", read_seen, ThreadKind.GROUP),
)

_RULES: dict[int, _Rule] = {
    Cmd.CIPHER_KEY: _Rule(sub=1, versioned=True),
    Cmd.DUPLICATE: _Rule(sub=0, versioned=True),
    Cmd.USER_MESSAGES: _Rule((_USER_MESSAGES,), sub=0, versioned=True),
    Cmd.USER_MESSAGES_TOO: _Rule((_USER_MESSAGES,), sub=0, versioned=True),
    Cmd.GROUP_MESSAGES: _Rule((_GROUP_MESSAGES,), sub=0, versioned=True),
    Cmd.CONTROLS: _Rule((_List("controls", read_control),), sub=0, versioned=True),
    Cmd.ACTIONS: _Rule((_List("actions", read_action),), sub=0),
    Cmd.USER_MARKS: _Rule(_USER_RECEIPTS, sub=0, optional=True),
    Cmd.GROUP_MARKS: _Rule(_GROUP_RECEIPTS, sub=0, optional=True),
    Cmd.UNREAD_CLEARED: _Rule((_List("clearUnreads", read_unread),), sub=0),
    Cmd.OLD_USER_MESSAGES: _Rule((_USER_MESSAGES,), sub=1, answer=OldMessages),
    Cmd.OLD_GROUP_MESSAGES: _Rule((_GROUP_MESSAGES,), sub=1, answer=OldMessages),
    Cmd.REACTIONS: _Rule((_USER_REACTIONS, _GROUP_REACTIONS)),
    Cmd.OLD_USER_REACTIONS: _Rule((_USER_REACTIONS,), answer=OldReactions),
    Cmd.OLD_GROUP_REACTIONS: _Rule((_GROUP_REACTIONS,), answer=OldReactions),
}
"""How each known command is read."""


def _readable_lists(payload: bytes, reason: str) -> Lists:
    """The lists of a payload in which something is not a list. Raises Malformed if none can be read."""
    try:
        found = read(_LOOSE_PAYLOAD, payload).data
    except Malformed:
        raise Malformed(reason) from None
    lists: dict[str, Items] = {}
    for name in found.keys() & {*Lists.__struct_fields__}:
        try:
            lists[name] = read(_ITEMS, found[name])
        except Malformed:
            continue
    if not lists:
        raise Malformed(reason)
    return Lists(**lists)
