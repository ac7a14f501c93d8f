"""What happened to groups, friends and uploads (command 601)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from zaloweb.events.account import FileDone, FriendEvent, FriendEventKind, GroupEvent, GroupEventKind
from zaloweb.events.conversation import Thread, ThreadKind
from zaloweb.events.lenient import as_list, as_object, as_text
from zaloweb.wire.models import Malformed, WireControl, WireControlContent, read

_ANY = msgspec.json.Decoder()
_CONTROL = msgspec.json.Decoder(WireControl)

# Both come together with another control that says the same: join, and req_v2.
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

Control = FileDone | GroupEvent | FriendEvent
OtherControl = str


def read_control(item: msgspec.Raw, own_id: str) -> Control | OtherControl | None:
    """What a control tells; its `act_type` if that has no name here; None if another control says the same.

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
    is_self = own_id in _DOERS.get(kind, _usual_doers)(data)
    return GroupEvent(Thread(ThreadKind.GROUP, group_id), kind, act, is_self, data)


def _usual_doers(data: dict[str, Any]) -> list[str]:
    members = (member for member in as_list(data.get("updateMembers")) if isinstance(member, dict))
    return [as_text(data.get("sourceId")), *(as_text(member.get("id")) for member in members)]


def _field(name: str) -> Callable[[dict[str, Any]], list[str]]:
    return lambda data: [as_text(data.get(name))]


def _updated(data: dict[str, Any]) -> list[str]:
    return [as_text(member) for member in as_list(data.get("updateMembers"))]


def _nobody(_data: dict[str, Any]) -> list[str]:
    return []


_DOERS: dict[GroupEventKind, Callable[[dict[str, Any]], list[str]]] = {
    GroupEventKind.JOIN_REQUEST: _nobody,
    GroupEventKind.NEW_PIN_TOPIC: _field("actorId"),
    GroupEventKind.UPDATE_PIN_TOPIC: _field("actorId"),
    GroupEventKind.UNPIN_TOPIC: _field("actorId"),
    GroupEventKind.REORDER_PIN_TOPIC: _field("actorId"),
    GroupEventKind.UPDATE_BOARD: _field("sourceId"),
    GroupEventKind.REMOVE_BOARD: _field("sourceId"),
    GroupEventKind.ACCEPT_REMIND: _updated,
    GroupEventKind.REJECT_REMIND: _updated,
    GroupEventKind.REMIND_TOPIC: _field("creatorId"),
}
"""Whose doing a group event is, by its kind."""


def _friend_event(content: WireControlContent, own_id: str) -> FriendEvent:
    act = as_text(content.act)
    kind = _FRIEND_KINDS.get(act, FriendEventKind.UNKNOWN)
    data = _friend_data(content.data)
    person, is_self = _FRIEND_PARTIES.get(kind, _about)(data, own_id)
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


def _about(data: Any, _own_id: str) -> tuple[str, bool]:
    return as_text(data), False


def _own_doing(data: Any, _own_id: str) -> tuple[str, bool]:
    return as_text(data), True


def _nobody_seen(_data: Any, _own_id: str) -> tuple[str, bool]:
    return "", True


def _between(data: Any, own_id: str) -> tuple[str, bool]:
    if not isinstance(data, dict):
        raise Malformed("a friend request that names nobody")
    sender, receiver = as_text(data.get("fromUid")), as_text(data.get("toUid"))
    return (receiver, True) if sender == own_id else (sender, False)


def _in_conversation(data: Any, own_id: str) -> tuple[str, bool]:
    if not isinstance(data, dict):
        raise Malformed("a pin that names no conversation")
    return as_text(data.get("conversationId")), as_text(data.get("actorId")) == own_id


_FRIEND_PARTIES: dict[FriendEventKind, Callable[[Any, str], tuple[str, bool]]] = {
    FriendEventKind.REQUEST: _between,
    FriendEventKind.UNDO_REQUEST: _between,
    FriendEventKind.REJECT_REQUEST: _between,
    FriendEventKind.SEEN_REQUEST: _nobody_seen,
    FriendEventKind.BLOCK: _own_doing,
    FriendEventKind.UNBLOCK: _own_doing,
    FriendEventKind.BLOCK_CALL: _own_doing,
    FriendEventKind.UNBLOCK_CALL: _own_doing,
    FriendEventKind.PIN_UNPIN: _in_conversation,
    FriendEventKind.PIN_CREATE: _in_conversation,
    FriendEventKind.UNKNOWN: lambda _data, _own_id: ("", False),
}
"""Who the other person of a friend event is, and whether the account did it."""


def _object(content: WireControlContent) -> dict[str, Any]:
    found = read(_ANY, content.data) if isinstance(content.data, str) else content.data
    if not isinstance(found, dict):
        raise Malformed(f"the data of a {content.act_type:.20} control is no object")
    return found
