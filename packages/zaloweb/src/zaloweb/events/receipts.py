"""Typing, delivered, seen, and read on another device."""

from __future__ import annotations

import msgspec

from zaloweb.events.conversation import Delivered, Seen, Thread, ThreadKind, Typing, UnreadCleared
from zaloweb.events.lenient import as_id, as_ids, as_text, as_whole
from zaloweb.wire.models import Malformed, TypingData, WireAction, WireDelivered, WireSeen, WireUnread, read

_ACTION = msgspec.json.Decoder(WireAction)
_TYPING = msgspec.json.Decoder(TypingData)
_DELIVERED = msgspec.json.Decoder(WireDelivered)
_SEEN = msgspec.json.Decoder(WireSeen)
_UNREAD = msgspec.json.Decoder(WireUnread)


def read_action(item: msgspec.Raw, _kind: ThreadKind, _own_id: str) -> Typing | str:
    """Who is typing where, or the name of another action. Raises Malformed."""
    action = read(_ACTION, item)
    if action.act_type != "typing":
        return action.act_type
    if not isinstance(action.data, str):
        raise Malformed("the data of a typing action is no text")
    data = read(_TYPING, "{" + action.data + "}")
    if action.act == "typing":
        thread = Thread(ThreadKind.USER, str(data.uid))
    elif action.act == "gtyping":
        thread = Thread(ThreadKind.GROUP, as_text(data.gid))
    else:
        return f"{action.act_type}/{as_text(action.act)}"
    return Typing(thread, str(data.uid), bool(as_whole(data.isPC)), as_whole(data.ts))


def read_delivered(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Delivered:
    """The people a message reached. Raises Malformed."""
    wire = read(_DELIVERED, item)
    people = as_ids(wire.deliveredUids)
    in_group = kind is ThreadKind.GROUP
    place = as_id(wire.groupId) if in_group else next(iter(people), "")
    if not place:
        raise Malformed("a delivery to nobody")
    return Delivered(
        thread=Thread(kind, place),
        msg_id=as_id(wire.msgId),
        user_ids=people,
        seen_ids=as_ids(wire.seenUids),
        is_self=in_group and own_id in people,
        at_ms=as_whole(wire.mSTs),
        wire=item,
    )


def read_seen(item: msgspec.Raw, kind: ThreadKind, own_id: str) -> Seen:
    """The people who saw a message. Raises Malformed."""
    wire = read(_SEEN, item)
    in_group = kind is ThreadKind.GROUP
    place = as_id(wire.groupId if in_group else wire.idTo)
    if not place:
        raise Malformed("nothing says in which conversation a message was seen")
    people = as_ids(wire.seenUids) if in_group else (place,)
    is_self = in_group and own_id in people
    return Seen(Thread(kind, place), as_id(wire.msgId), people, is_self, wire=item)


def read_unread(item: msgspec.Raw, _kind: ThreadKind, _own_id: str) -> UnreadCleared:
    """The thread that was read on another device. Raises Malformed."""
    wire = read(_UNREAD, item)
    kind = ThreadKind.GROUP if wire.isGroup in (True, 1, "1", "true") else ThreadKind.USER
    place = as_id(wire.idTo)
    if not place:
        raise Malformed("nothing says which conversation was read")
    return UnreadCleared(Thread(kind, place), as_id(wire.lastMsgId))
