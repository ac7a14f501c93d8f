"""Creating groups, and changing their name, picture and members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from zaloweb.calls.call import Call, require_ids
from zaloweb.calls.mute import VIETNAM
from zaloweb.wire.multipart import Content, Part

_UNKNOWN_TYPE = -1


class Created(msgspec.Struct, frozen=True, rename="camel"):
    """A new group, and who could not be added. The misspelling is Zalo's."""

    group_id: str | int = ""
    group_type: int | None = None
    sucess_members: list[str | int] = msgspec.field(default_factory=list)
    error_members: list[str | int] = msgspec.field(default_factory=list)

    @property
    def id(self) -> str:
        """The exact group id."""
        return str(self.group_id)


class MemberChanges(msgspec.Struct, frozen=True, rename="camel"):
    """Who could not be added or removed."""

    error_members: list[str | int] = msgspec.field(default_factory=list)

    @property
    def failed(self) -> tuple[str, ...]:
        """Their exact ids."""
        return tuple(str(member) for member in self.error_members)


class LeaveResult(msgspec.Struct, frozen=True, rename="camel"):
    """The groups that could not be left."""

    member_error: list[Any] = msgspec.field(default_factory=list)


def create(name: str, members: Sequence[str], *, client_id: int, language: str, imei: str) -> Call[Created]:
    """Creates a group with these people; an empty name becomes the time.

    Raises `InvalidRequest` without people.
    """
    params = {
        "clientId": client_id,
        "gname": name or str(client_id),
        "gdesc": None,
        "members": require_ids(members, "a new group"),
        "membersTypes": [_UNKNOWN_TYPE] * len(members),
        "nameChanged": int(bool(name)),
        "createLink": 1,
        "clientLang": language,
        "imei": imei,
        "zsource": 601,
    }
    # A POST without a body: the parameters are in the query.
    return Call("create group", "POST", "group", "/api/group/create/v2", Created, params)


def set_avatar(
    group_id: str, picture: Content, width: int, height: int, *, now_ms: int, imei: str
) -> Call[object]:
    """Sets the picture of a group, a JPEG."""
    told = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(VIETNAM).strftime("%H:%M %d/%m/%Y")
    params = {
        "grid": group_id,
        "avatarSize": 120,
        "clientId": f"g{group_id}{told}",
        "imei": imei,
        "originWidth": width,
        "originHeight": height,
    }
    part = Part("fileContent", "blob", picture, "image/jpeg")
    path = "/api/group/upavatar"
    return Call(
        "group picture", "POST", "file", path, object, params, part=part, safe_to_retry=True, shown=True
    )


def rename(group_id: str, name: str, *, now_ms: int, imei: str) -> Call[object]:
    """Renames a group; an empty name becomes the time."""
    params = {"grid": group_id, "gname": name or str(now_ms), "imei": imei}
    return Call("rename group", "POST", "group", "/api/group/updateinfo", object, params, "form")


def add(group_id: str, ids: Sequence[str], *, language: str, imei: str) -> Call[MemberChanges]:
    """Adds people to a group. Raises `InvalidRequest` without people."""
    params = {
        "grid": group_id,
        "members": require_ids(ids, "adding to a group"),
        "memberTypes": [_UNKNOWN_TYPE] * len(ids),
        "imei": imei,
        "clientLang": language,
    }
    return Call("add to group", "POST", "group", "/api/group/invite/v2", MemberChanges, params, "form")


def remove(group_id: str, ids: Sequence[str], *, imei: str) -> Call[MemberChanges]:
    """Removes people from a group. Raises `InvalidRequest` without people."""
    params = {"grid": group_id, "members": require_ids(ids, "removing from a group"), "imei": imei}
    return Call("remove from group", "POST", "group", "/api/group/kickout", MemberChanges, params, "form")


def leave(group_id: str, *, silent: bool, language: str, imei: str) -> Call[LeaveResult]:
    """Leaves a group; `silent` leaves out the notice to the others."""
    params = {"grids": [group_id], "imei": imei, "silent": int(silent), "language": language}
    return Call("leave group", "POST", "group", "/api/group/leave", LeaveResult, params, "form")
