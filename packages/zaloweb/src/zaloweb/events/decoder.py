"""From the bytes of a frame to typed events. Nothing here does I/O, and no bytes make it raise.

A frame that cannot be opened becomes one `Undecodable`; an item that cannot be read becomes one in its place
among the others of its frame. What has no name here becomes an `UnknownEvent`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from zaloweb.errors import CipherError, FrameError
from zaloweb.events.account import CipherKey, Duplicate, Event, Pong, Undecodable, UnknownEvent
from zaloweb.events.controls import read_control
from zaloweb.events.conversation import OldMessages, OldReactions, Reaction, ThreadKind
from zaloweb.events.messages import Head, Item, read_head, read_message, read_reaction
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

ItemReader = Callable[[msgspec.Raw], Event | str | None]


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
        """The events in a binary WebSocket message, in order; empty if it tells nothing. Never raises."""
        try:
            frame = unpack(data)
        except FrameError as error:
            return [Undecodable(str(error), 0, data)]
        try:
            return self._events(frame)
        except (CipherError, Malformed) as error:
            return [Undecodable(str(error), frame.cmd, data)]

    def _events(self, frame: Frame) -> list[Event]:
        if frame.cmd == Cmd.PING:
            return [Pong()]
        if not frame.body:
            return []
        rule = _RULES.get(frame.cmd)
        if rule is None or not rule.takes(frame):
            return [self._unknown(frame)]
        return rule.read(self, frame)

    def _open(self, frame: Frame) -> bytes:
        envelope = read(_ENVELOPE, frame.body)
        return self._cipher.open(envelope.data, envelope.encrypt)

    def _lists(self, frame: Frame) -> Lists:
        payload = self._open(frame)
        try:
            return read(_PAYLOAD, payload).data
        except Malformed as error:
            return _readable_lists(payload, str(error))

    def _unknown(self, frame: Frame) -> UnknownEvent:
        read(_ANY, frame.body)
        kind = "" if frame.version == VERSION else f"version {frame.version}"
        try:
            body = self._open(frame)
        except (CipherError, Malformed):
            body = frame.body
        return UnknownEvent(frame.cmd, frame.sub, kind, body)

    def _cipher_key(self, frame: Frame) -> list[Event]:
        self.key = key = base64_key(read(_KEY, frame.body).key)
        return [CipherKey(key)]

    def _duplicate(self, frame: Frame) -> list[Event]:
        read(_ANY, frame.body)
        return [Duplicate()]

    def _user_messages(self, frame: Frame) -> list[Event]:
        return self._messages(frame, self._lists(frame).msgs, ThreadKind.USER)

    def _group_messages(self, frame: Frame) -> list[Event]:
        return self._messages(frame, self._lists(frame).groupMsgs, ThreadKind.GROUP)

    def _messages(self, frame: Frame, items: Items | None, kind: ThreadKind) -> list[Event]:
        own_id = self._own_id
        if items is None:
            raise Malformed("the list of items is missing")
        events: list[Event] = []
        for item in items:
            try:
                events.append(read_message(item, kind, own_id))
            except Malformed as error:
                events.append(_unread(frame.cmd, str(error), item, read_head(item, kind, own_id)))
        return events

    def _old_user_messages(self, frame: Frame) -> list[Event]:
        return _old_messages(ThreadKind.USER, self._user_messages(frame))

    def _old_group_messages(self, frame: Frame) -> list[Event]:
        return _old_messages(ThreadKind.GROUP, self._group_messages(frame))

    def _reactions(self, frame: Frame) -> list[Event]:
        lists = self._lists(frame)
        if lists.reacts is None and lists.reactGroups is None:
            raise Malformed("no list of reactions")
        of_users = _each(frame, lists.reacts or [], self._user_reaction)
        return of_users + _each(frame, lists.reactGroups or [], self._group_reaction)

    def _old_user_reactions(self, frame: Frame) -> list[Event]:
        events = _each(frame, self._lists(frame).reacts, self._user_reaction)
        return _old_reactions(ThreadKind.USER, events)

    def _old_group_reactions(self, frame: Frame) -> list[Event]:
        events = _each(frame, self._lists(frame).reactGroups, self._group_reaction)
        return _old_reactions(ThreadKind.GROUP, events)

    def _user_marks(self, frame: Frame) -> list[Event]:
        return self._marks(frame, ThreadKind.USER, lambda lists: lists.seens)

    def _group_marks(self, frame: Frame) -> list[Event]:
        return self._marks(frame, ThreadKind.GROUP, lambda lists: lists.groupSeens)

    def _marks(self, frame: Frame, kind: ThreadKind, seens: Callable[[Lists], Items | None]) -> list[Event]:
        lists = self._lists(frame)
        own_id = self._own_id
        delivered = _each(frame, lists.delivereds or [], lambda item: read_delivered(item, kind, own_id))
        return delivered + _each(frame, seens(lists) or [], lambda item: read_seen(item, kind, own_id))

    def _unread_cleared(self, frame: Frame) -> list[Event]:
        return _each(frame, self._lists(frame).clearUnreads, read_unread)

    def _controls(self, frame: Frame) -> list[Event]:
        return _each(frame, self._lists(frame).controls, lambda item: read_control(item, self._own_id))

    def _actions(self, frame: Frame) -> list[Event]:
        return _each(frame, self._lists(frame).actions, read_action)

    def _user_reaction(self, item: msgspec.Raw) -> Event:
        return read_reaction(item, ThreadKind.USER, self._own_id)

    def _group_reaction(self, item: msgspec.Raw) -> Event:
        return read_reaction(item, ThreadKind.GROUP, self._own_id)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a command is read. `sub` None takes any sub-command; only a versioned one insists on version 1."""

    read: Callable[[Decoder, Frame], list[Event]]
    sub: int | None = None
    versioned: bool = False

    def takes(self, frame: Frame) -> bool:
        if self.versioned and frame.version != VERSION:
            return False
        return self.sub is None or frame.sub == self.sub


_RULES: dict[int, _Rule] = {
    Cmd.CIPHER_KEY: _Rule(Decoder._cipher_key, sub=1, versioned=True),
    Cmd.USER_MESSAGES: _Rule(Decoder._user_messages, sub=0, versioned=True),
    Cmd.USER_MESSAGES_TOO: _Rule(Decoder._user_messages, sub=0, versioned=True),
    Cmd.GROUP_MESSAGES: _Rule(Decoder._group_messages, sub=0, versioned=True),
    Cmd.CONTROLS: _Rule(Decoder._controls, sub=0, versioned=True),
    Cmd.DUPLICATE: _Rule(Decoder._duplicate, sub=0, versioned=True),
    Cmd.ACTIONS: _Rule(Decoder._actions, sub=0),
    Cmd.USER_MARKS: _Rule(Decoder._user_marks, sub=0),
    Cmd.GROUP_MARKS: _Rule(Decoder._group_marks, sub=0),
    Cmd.UNREAD_CLEARED: _Rule(Decoder._unread_cleared, sub=0),
    Cmd.OLD_USER_MESSAGES: _Rule(Decoder._old_user_messages, sub=1),
    Cmd.OLD_GROUP_MESSAGES: _Rule(Decoder._old_group_messages, sub=1),
    Cmd.REACTIONS: _Rule(Decoder._reactions),
    Cmd.OLD_USER_REACTIONS: _Rule(Decoder._old_user_reactions),
    Cmd.OLD_GROUP_REACTIONS: _Rule(Decoder._old_group_reactions),
}
"""How each command is read that has a name here."""


def _each(frame: Frame, items: Items | None, reader: ItemReader) -> list[Event]:
    if items is None:
        raise Malformed("the list of items is missing")
    events: list[Event] = []
    for item in items:
        try:
            event = reader(item)
        except Malformed as error:
            event = Undecodable(str(error), frame.cmd, bytes(item))
        if isinstance(event, str):
            event = UnknownEvent(frame.cmd, frame.sub, event, bytes(item))
        if event is not None:
            events.append(event)
    return events


def _readable_lists(payload: bytes, reason: str) -> Lists:
    """The lists of a payload one of which is no list. Raises Malformed where none can be read."""
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


def _unread(cmd: int, reason: str, item: msgspec.Raw, head: Head | None) -> Undecodable:
    """An item among messages that cannot be read: where it stands, who sent it, as far as it says."""
    if head is None:
        return Undecodable(reason, cmd, bytes(item))
    thread = head.thread if head.thread.id else None
    return Undecodable(reason, cmd, bytes(item), thread, head.sender_id, head.msg_id, head.msg_type)


def _old_messages(kind: ThreadKind, events: list[Event]) -> list[Event]:
    items = tuple(event for event in events if isinstance(event, Item))
    return [*_undecodable(events), OldMessages(kind, items)]


def _old_reactions(kind: ThreadKind, events: list[Event]) -> list[Event]:
    items = tuple(event for event in events if isinstance(event, Reaction))
    return [*_undecodable(events), OldReactions(kind, items)]


def _undecodable(events: list[Event]) -> list[Undecodable]:
    return [event for event in events if isinstance(event, Undecodable)]
