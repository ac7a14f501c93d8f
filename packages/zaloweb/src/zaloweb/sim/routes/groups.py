"""Groups: made, renamed, joined and left."""

from __future__ import annotations

from zaloweb.sim.api import ApiCall, Route, bad_parameters
from zaloweb.sim.errors import Refusal
from zaloweb.sim.registry import Group, User
from zaloweb.sim.routes.sending import NOT_A_MEMBER, group_of, own_group

_NOT_IN_GROUP = 165
_ALREADY_A_MEMBER = "178"


def create(call: ApiCall) -> object:
    """Create a group of the account and these users."""
    wanted = call.texts("members")
    people = _known(call, wanted)
    group, pushes = call.backend.groups.create(call.text("gname"), [call.account, *people])
    call.then_push(pushes)
    found = [person.uid for person in people]
    return {
        "groupType": 1,
        "sucessMembers": found,
        "groupId": group.gid,
        "errorMembers": [uid for uid in wanted if uid not in found],
        "error_data": {},
    }


def rename(call: ApiCall) -> object:
    """Rename a group."""
    call.then_push(call.backend.groups.rename(own_group(call), call.account, call.text("gname")))
    return {"status": 0}


def add(call: ApiCall) -> object:
    """Add users to a group; those who are members already are listed in `error_data`."""
    group, wanted = own_group(call), call.texts("members")
    members = [uid for uid in wanted if uid in group.members]
    people = [person for person in _known(call, wanted) if person.uid not in group.members]
    if people:
        call.then_push(call.backend.groups.add(group, call.account, people))
    added = {person.uid for person in people}
    return {
        "errorMembers": [uid for uid in wanted if uid not in added],
        "error_data": {_ALREADY_A_MEMBER: members} if members else {},
    }


def remove(call: ApiCall) -> object:
    """Remove members from a group the account has made."""
    group, wanted = own_group(call), call.texts("members")
    if group.creator is not call.account:
        raise Refusal(NOT_A_MEMBER, "Bạn không có quyền xoá thành viên")
    people = [group.members[uid] for uid in wanted if uid in group.members]
    if not people:
        raise Refusal(_NOT_IN_GROUP, "Người dùng không ở trong nhóm")
    call.then_push(call.backend.groups.remove(group, call.account, people))
    return {"errorMembers": [uid for uid in wanted if uid not in {person.uid for person in people}]}


def leave(call: ApiCall) -> object:
    """Leave groups."""
    groups: list[Group] = [group_of(call, gid) for gid in call.texts("grids")]
    for group in groups:
        call.then_push(call.backend.groups.leave(group, call.account))
    return {"memberError": []}


ROUTES = [
    Route("create group", "POST", "group", "/api/group/create/v2", create, "query"),
    Route("rename group", "POST", "group", "/api/group/updateinfo", rename, "form"),
    Route("add to group", "POST", "group", "/api/group/invite/v2", add, "form"),
    Route("remove from group", "POST", "group", "/api/group/kickout", remove, "form"),
    Route("leave group", "POST", "group", "/api/group/leave", leave, "form"),
]


def _known(call: ApiCall, uids: list[str]) -> list[User]:
    people = call.backend.registry.people
    known = [people[uid] for uid in dict.fromkeys(uids) if uid in people]
    if not known:
        raise bad_parameters("no user has one of the ids in members")
    return known
