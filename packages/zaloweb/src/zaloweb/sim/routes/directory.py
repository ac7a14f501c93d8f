"""The account itself, friends, profiles, groups and their members."""

from __future__ import annotations

import re
from typing import Any

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.registry import Group, User

_VERSION_SUFFIX = re.compile(r"_\d+$")
_LIST_VERSION = "1690000001"
_AVATAR = "https://avatar.sim.invalid/{}.jpg"
_GROUP_SETTING = {
    "blockName": 0,
    "signAdminMsg": 0,
    "addMemberOnly": 0,
    "setTopicOnly": 0,
    "enableMsgHistory": 0,
    "joinAppr": 0,
    "lockCreatePost": 0,
    "lockCreatePoll": 0,
    "lockSendMsg": 0,
    "lockViewMember": 0,
    "bannFeature": 0,
    "dirtyMedia": 0,
    "banDuration": 0,
}


def avatar(person: User) -> str:
    """The address of a user's picture; nothing is served there."""
    return _AVATAR.format(person.uid)


def me(call: ApiCall) -> object:
    """The own profile."""
    return {"profile": _user(call, call.account)}


def friends(call: ApiCall) -> object:
    """One page of the friends, counted from 1."""
    page, count = call.number("page", 1), call.number("count", 20_000)
    if page < 1 or count < 1:
        raise bad_parameters("page and count start at 1")
    listed = call.backend.registry.friends(call.account)[(page - 1) * count : page * count]
    return [_user(call, person) for person in listed]


def profiles(call: ApiCall) -> object:
    """Profiles by id; unknown ids are left out."""
    return {
        "unchanged_profiles": {},
        "phonebook_version": call.number("phonebook_version", 0),
        "changed_profiles": {person.uid: _user(call, person) for person in _asked(call)},
    }


def group_members(call: ApiCall) -> object:
    """Short profiles of group members."""
    profiles = {
        person.uid: {
            "displayName": person.name,
            "zaloName": person.name,
            "avatar": avatar(person),
            "accountStatus": 0,
            "type": 0,
            "lastUpdateTime": 0,
            "globalId": f"G{person.uid}",
            "id": person.uid,
        }
        for person in _asked(call)
    }
    return {"profiles": profiles, "unchangeds_profile": []}


def group_list(call: ApiCall) -> object:
    """The ids of the account's groups with their versions."""
    groups = call.backend.registry.groups_of(call.account)
    return {"version": _LIST_VERSION, "gridVerMap": {group.gid: str(group.version) for group in groups}}


def group_info(call: ApiCall) -> object:
    """Groups by id; those the account is not in count as removed."""
    asked = call.json("gridVerMap", dict[str, Any])
    own = {group.gid: group for group in call.backend.registry.groups_of(call.account)}
    return {
        "removedsGroup": [gid for gid in asked if gid not in own],
        "unchangedsGroup": [],
        "gridInfoMap": {gid: _group(own[gid]) for gid in asked if gid in own},
    }


ROUTES = [
    Route("account info", "GET", "profile", "/api/social/profile/me-v2", me, None),
    Route("friends", "GET", "profile", "/api/social/friend/getfriends", friends, "query"),
    Route("user info", "POST", "profile", "/api/social/friend/getprofiles/v2", profiles, "form"),
    Route("group members", "GET", "profile", "/api/social/group/members", group_members, "query"),
    Route("groups", "GET", "group_poll", "/api/group/getlg/v4", group_list, None),
    Route("group info", "POST", "group", "/api/group/getmg-v2", group_info, "form"),
]


def _asked(call: ApiCall) -> list[User]:
    asked = call.params.get("friend_pversion_map")
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise bad_parameters("friend_pversion_map must be a list of texts such as 8200000000000000001_0")
    people = call.backend.registry.people
    ids = (_VERSION_SUFFIX.sub("", one) for one in asked)
    return [people[uid] for uid in ids if uid in people]


def _user(call: ApiCall, person: User) -> dict[str, Any]:
    return {
        "userId": person.uid,
        "username": "",
        "displayName": person.name,
        "zaloName": person.name,
        "avatar": avatar(person),
        "bgavatar": "",
        "cover": "",
        "gender": 1,
        "dob": 631_152_000,
        "sdob": "01/01/1990",
        "status": person.status,
        "phoneNumber": person.number,
        "isFr": int(call.account.uid in person.friend_of),
        "isBlocked": int(person.uid in call.account.blocked),
        "lastActionTime": person.last_online_ms,
        "lastUpdateTime": 0,
        "isActive": int(person.online),
        "key": 0,
        "type": 0,
        "isActivePC": 0,
        "isActiveWeb": 1,
        "isValid": 1,
        "userKey": f"key-{person.uid}",
        "accountStatus": 0,
        "oaInfo": None,
        "user_mode": 0,
        "globalId": f"G{person.uid}",
        "bizPkg": {"label": None, "pkgId": 0},
        "createdTs": 1_500_000_000,
        "oa_status": None,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "groupId": group.gid,
        "name": group.name,
        "desc": "",
        "type": 1,
        "creatorId": group.creator.uid,
        "version": str(group.version),
        "avt": "",
        "fullAvt": "",
        "memberIds": [],  # as on the real servers, the members are in memVerList
        "adminIds": [],
        "currentMems": [],
        "updateMems": [],
        "admins": [],
        "hasMoreMember": 0,
        "subType": 1,
        "totalMember": len(group.members) + group.hidden,
        "maxMember": 1000,
        "setting": _GROUP_SETTING | {"lockViewMember": int(group.hidden > 0)},
        "createdTime": group.created_ms,
        "visibility": 0,
        "globalId": f"GG{group.gid}",
        "e2ee": 0,
        "extraInfo": {"enable_media_store": 1},
        "memVerList": [f"{uid}_1" for uid in group.members],
        "pendingApprove": {"time": 0, "uids": None},
    }
