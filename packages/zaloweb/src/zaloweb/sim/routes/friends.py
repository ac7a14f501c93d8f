"""Find users, accept friend requests, block, who is online, mute threads."""

from __future__ import annotations

from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.contents import json_text
from zaloweb.sim.errors import Refusal
from zaloweb.sim.registry import Mute, User
from zaloweb.sim.routes.directory import avatar
from zaloweb.sim.routes.sending import somebody

_NOBODY = 216
_ALREADY = 225
_MUTE, _UNMUTE = 1, 3
_OF_USERS, _OF_GROUPS = 1, 2
_FOR_EVER = -1


def find(call: ApiCall) -> object:
    """The user with this phone number."""
    person = call.backend.registry.by_number(call.text("phone"))
    if person is None:
        raise Refusal(_NOBODY, "Không tìm thấy người dùng")
    return {
        "avatar": avatar(person),
        "cover": "",
        "status": person.status,
        "gender": 0,
        "dob": 0,
        "sdob": "",
        "globalId": f"G{person.uid}",
        "bizPkg": {"label": None, "pkgId": 0},
        "uid": person.uid,
        "zalo_name": person.name,
        "display_name": person.name,
    }


def accept(call: ApiCall) -> object:
    """Accept a friend request."""
    person = somebody(call, "fid")
    if call.account.uid in person.friend_of:
        raise Refusal(_ALREADY, "Hai bạn đã là bạn bè")
    if person.uid not in call.account.requests:
        raise bad_parameters("fid has not asked to be friends")
    call.then_push(call.backend.friendships.make(person, call.account))
    return ""


def block(call: ApiCall) -> object:
    """Block somebody."""
    call.then_push(call.backend.friendships.block(call.account, _other(call)))
    return ""


def unblock(call: ApiCall) -> object:
    """Lift a block."""
    call.then_push(call.backend.friendships.unblock(call.account, _other(call)))
    return ""


def online(call: ApiCall) -> object:
    """The friends who are online, with their status as JSON in a string."""
    friends = (person for person in call.backend.registry.friends(call.account) if person.online)
    return {
        "predefine": ["Đang bận", "Đang họp"],
        "ownerStatus": call.account.status,
        "onlines": [
            {"userId": person.uid, "status": json_text({"status": person.status})} for person in friends
        ],
    }


def last_online(call: ApiCall) -> object:
    """When somebody was online last."""
    return {"settings": {"show_online_status": True}, "lastOnline": somebody(call, "uid").last_online_ms}


def mute(call: ApiCall) -> object:
    """Mute or unmute a thread."""
    thread_id, action = call.text("toid"), call.number("action")
    if action not in (_MUTE, _UNMUTE) or call.number("muteType") not in (_OF_USERS, _OF_GROUPS):
        raise bad_parameters("action must be 1 or 3 and muteType 1 or 2")
    known = (
        call.backend.registry.people if call.number("muteType") == _OF_USERS else call.backend.registry.groups
    )
    if thread_id not in known:
        raise bad_parameters("toid is not the id of such a thread")
    if action == _MUTE:
        call.account.mutes[thread_id] = Mute(call.number("startTime"), call.number("duration"))
    else:
        call.account.mutes.pop(thread_id, None)
    return ""


def mutes(call: ApiCall) -> object:
    """The muted threads."""
    now = call.backend.clock.now_ms() // 1000
    groups = call.backend.registry.groups
    answer: dict[str, list[dict[str, Any]]] = {"chatEntries": [], "groupChatEntries": []}
    for thread_id, one in call.account.mutes.items():
        if one.duration != _FOR_EVER and one.started + one.duration <= now:
            continue
        entry = {"id": thread_id, "duration": one.duration, "startTime": one.started}
        entry |= {"systemTime": now, "currentTime": now, "muteMode": 0}
        answer["groupChatEntries" if thread_id in groups else "chatEntries"].append(entry)
    return answer


ROUTES = [
    Route("find user", "GET", "friend", "/api/friend/profile/get", find, "query"),
    Route("accept friend request", "POST", "friend", "/api/friend/accept", accept, "form"),
    Route("block", "POST", "friend", "/api/friend/block", block, "form"),
    Route("unblock", "POST", "friend", "/api/friend/unblock", unblock, "form"),
    Route("friends online", "GET", "profile", "/api/social/friend/onlines", online, "query"),
    Route("last online", "GET", "profile", "/api/social/profile/lastOnline", last_online, "query"),
    Route("mute", "POST", "profile", "/api/social/profile/setmute", mute, "form"),
    Route("mutes", "GET", "profile", "/api/social/profile/getmute", mutes, "query"),
]


def _other(call: ApiCall) -> User:
    person = somebody(call, "fid")
    if person is call.account:
        raise bad_parameters("fid is the account itself")
    return person
