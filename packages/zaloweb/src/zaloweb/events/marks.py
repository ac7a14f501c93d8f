"""What others do with messages without writing one: typing, received, seen, read elsewhere."""

from __future__ import annotations

import msgspec

from zaloweb.events.lenient import as_whole
from zaloweb.events.values import Delivered, Seen, Thread, ThreadKind, Typing, UnreadCleared
from zaloweb.models import Id, Malformed, TypingData, WireAction, WireDelivered, WireSeen, WireUnread, read

_ACTION = msgspec.json.Decoder(WireAction)
_TYPING = msgspec.json.Decoder(TypingData)
_DELIVERED = msgspec.json.Decoder(WireDelivered)
_SEEN = msgspec.json.Decoder(WireSeen)
_UNREAD = msgspec.json.Decoder(WireUnread)

OtherAction = str


def read_action(item: msgspec.Raw) -> Typing | OtherAction:
    """Who is typing where, or the name of an action that is something else. Raises Malformed."""
    action = read(_ACTION, item)
    if action.act_type != "typing":
        return action.act_type
    if not isinstance(action.data, str):
        raise Malformed("the data of a typing action is no text")
    data = read(_TYPING, "{" + action.data + "}")
    if action.act == "typing":
        thread = Thread(ThreadKind.USER, str(data.uid))
    elif action.act == "gtyping":
        thread = Thread(ThreadKind.GROUP, str(data.gid))
    else:
        return f"{action.act_type}/{action.act}"
    return Typing(thread, str(data.uid), bool(as_whole(data.isPC)), as_whole(data.ts))


def read_delivered(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Delivered:
    """Whom a message reached. Raises Malformed."""
    wire = read(_DELIVERED, item)
    people = _ids(wire.deliveredUids)
    in_group = kind is ThreadKind.GROUP
    place = str(wire.groupId) if in_group else next(iter(people), "")
    if not place:
        raise Malformed("a delivery to nobody")
    return Delivered(
        thread=Thread(kind, place),
        msg_id=str(wire.msgId),
        user_ids=people,
        seen_ids=_ids(wire.seenUids),
        is_self=in_group and own_id in people,
        at_ms=as_whole(wire.mSTs),
        wire=item,
    )


def read_seen(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Seen:
    """Who saw a message. Raises Malformed."""
    wire = read(_SEEN, item)
    if kind is ThreadKind.USER:
        other = str(wire.idTo)
        return Seen(Thread(kind, other), str(wire.msgId), (other,), False, item)
    people = _ids(wire.seenUids)
    return Seen(Thread(kind, str(wire.groupId)), str(wire.msgId), people, own_id in people, item)


def read_unread(item: msgspec.Raw) -> UnreadCleared:
    """Which thread was read on another device. Raises Malformed."""
    wire = read(_UNREAD, item)
    kind = ThreadKind.GROUP if wire.isGroup in (True, 1, "1", "true") else ThreadKind.USER
    return UnreadCleared(Thread(kind, str(wire.idTo)), str(wire.lastMsgId))


def _ids(wire: list[Id]) -> tuple[str, ...]:
    return tuple(map(str, wire))
