"""Events of groups, friends and uploads (command 601)."""

from __future__ import annotations

from typing import Any

import msgspec

from zaloweb.events.account import FileDone, FriendEvent, FriendEventKind, GroupEvent, GroupEventKind
from zaloweb.events.conversation import Thread, ThreadKind
from zaloweb.events.lenient import as_list, as_object, as_text
from zaloweb.wire.models import Malformed, WireControl, WireControlContent, read

_ANY = msgspec.json.Decoder()
_CONTROL = msgspec.json.Decoder(WireControl)

# Another control says the same: join, and req_v2.
_REPEATS = {("group", "join_reject"), ("fr", "req")}

_GROUP_KINDS = {kind.value: kind for kind in GroupEventKind if kind is not GroupEventKind.UNKNOWN}
_FRIEND_KINDS = {
    "add": FriendEventKind.ADD,
    "remove": FriendEventKind.REMOVE,
    "req_v2": FriendEventKind.REQUEST,
    "undo_req": FriendEventKind.UNDO_REQUEST,
    "reject": FriendEventKind.REJECT_REQUEST,
    "seen_fr_req": FriendEventKind.SEEN_REQUEST,
    "block": FriendEventKind.BLOCK,
    "unblock": FriendEventKind.UNBLOCK,
    "block_call": FriendEventKind.BLOCK_CALL,
    "unblock_call": FriendEventKind.UNBLOCK_CALL,
    "pin_unpin": FriendEventKind.PIN_UNPIN,
    "pin_create": FriendEventKind.PIN_CREATE,
}

_OWN_DOING = frozenset(
    (FriendEventKind.BLOCK, FriendEventKind.UNBLOCK, FriendEventKind.BLOCK_CALL, FriendEventKind.UNBLOCK_CALL)
)
"""What only the account itself can do."""


def read_control(
    item: msgspec.Raw, _kind: ThreadKind, own_id: str
) -> FileDone | GroupEvent | FriendEvent | str | None:
    """What happened; the `act_type` of an unknown control; None if another control says the same.

    Raises Malformed.
    """
    content = read(_CONTROL, item).content
    if (content.act_type, as_text(content.act)) in _REPEATS:
        return None
    if content.act_type == "file_done":
        return FileDone(as_text(content.fileId), as_text(_object(content).get("url")))
    if content.act_type == "group":
        return _group_event(content, own_id)
    return _friend_event(content, own_id) if content.act_type == "fr" else content.act_type


def _group_event(content: WireControlContent, own_id: str) -> GroupEvent:
    data = _object(content)
    act = as_text(content.act)
    kind = _GROUP_KINDS.get(act, GroupEventKind.UNKNOWN)
    group_id = as_text(data.get("group_id") or data.get("groupId"))
    if not group_id:
        raise Malformed("a group event without a group")
    members = as_list(data.get("updateMembers"))
    match kind:
        case GroupEventKind.JOIN_REQUEST:
            doers = []
        case GroupEventKind.NEW_PIN_TOPIC | GroupEventKind.UPDATE_PIN_TOPIC:
            doers = [data.get("actorId")]
        case GroupEventKind.UNPIN_TOPIC | GroupEventKind.REORDER_PIN_TOPIC:
            doers = [data.get("actorId")]
        case GroupEventKind.UPDATE_BOARD | GroupEventKind.REMOVE_BOARD:
            doers = [data.get("sourceId")]
        case GroupEventKind.REMIND_TOPIC:
            doers = [data.get("creatorId")]
        case GroupEventKind.ACCEPT_REMIND | GroupEventKind.REJECT_REMIND:
            doers = members
        case _:
            ids = (member.get("id") for member in members if isinstance(member, dict))
            doers = [data.get("sourceId"), *ids]
    is_self = own_id in map(as_text, doers)
    return GroupEvent(Thread(ThreadKind.GROUP, group_id), kind, act, is_self, data)


def _friend_event(content: WireControlContent, own_id: str) -> FriendEvent:
    act = as_text(content.act)
    kind = _FRIEND_KINDS.get(act, FriendEventKind.UNKNOWN)
    data = _friend_data(content.data)
    match kind:
        case FriendEventKind.REQUEST | FriendEventKind.UNDO_REQUEST | FriendEventKind.REJECT_REQUEST:
            if not isinstance(data, dict):
                raise Malformed("a friend request that names nobody")
            sender, receiver = as_text(data.get("fromUid")), as_text(data.get("toUid"))
            person, is_self = (receiver, True) if sender == own_id else (sender, False)
        case FriendEventKind.PIN_UNPIN | FriendEventKind.PIN_CREATE:
            if not isinstance(data, dict):
                raise Malformed("a pin that names no conversation")
            person, is_self = as_text(data.get("conversationId")), as_text(data.get("actorId")) == own_id
        case FriendEventKind.SEEN_REQUEST | FriendEventKind.UNKNOWN:
            person, is_self = "", kind is FriendEventKind.SEEN_REQUEST
        case _:
            person, is_self = as_text(data), kind in _OWN_DOING
    return FriendEvent(kind, act, person, is_self, data)


def _friend_data(data: object) -> Any:
    # A text may be the JSON of an object or of a list, or just somebody's id.
    if isinstance(data, str):
        try:
            read_data = read(_ANY, data)
        except Malformed:
            return data
        data = read_data if isinstance(read_data, (dict, list)) else data
    if isinstance(data, dict) and isinstance(topic := data.get("topic"), dict) and "params" in topic:
        return {**data, "topic": {**topic, "params": as_object(topic["params"]) or topic["params"]}}
    return data


def _object(content: WireControlContent) -> dict[str, Any]:
    found = read(_ANY, content.data) if isinstance(content.data, str) else content.data
    if not isinstance(found, dict):
        raise Malformed(f"the data of a {content.act_type:.20} control is no object")
    return found
