"""The groups of an account: descriptions, members, history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import msgspec

from zaloweb.calls.account import VERSION_SUFFIX
from zaloweb.calls.call import Call
from zaloweb.wire.envelope import compact, decode

BATCH = 80
"""Ids in one call about groups; other clients send no more either."""


class GroupVersions(msgspec.Struct, frozen=True, rename="camel"):
    """The ids of all groups, each with the version of its description."""

    version: str | int = ""
    grid_ver_map: dict[str, str | int] = msgspec.field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The exact group ids, in Zalo's order."""
        return tuple(self.grid_ver_map)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member, as listed in the description of a group."""

    id: str | int = ""
    d_name: str | None = msgspec.field(default="", name="dName")
    zalo_name: str | None = msgspec.field(default="", name="zaloName")


class Group(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A group's description. `type` is 1 for a group and 2 for a community."""

    group_id: str | int = ""
    name: str | None = ""
    desc: str | None = ""
    type: int | None = None
    creator_id: str | int | None = ""
    admin_ids: list[str | int] | None = None
    member_ids: list[str | int] | None = None
    mem_ver_list: list[str] | None = None
    current_mems: list[Member] | None = None
    total_member: int | None = None

    @property
    def id(self) -> str:
        """The exact group id."""
        return str(self.group_id)

    def members(self) -> tuple[str, ...]:
        """The exact ids of all members that Zalo lists, each once.

        Zalo often leaves the obvious lists empty and has `<id>_<version>` of members in a third. Groups that
        hide their members list only admins: see `hidden`.
        """
        versioned = (VERSION_SUFFIX.sub("", text) for text in self.mem_ver_list or ())
        plain = (str(number) for number in self.member_ids or ())
        named = (str(member.id) for member in self.current_mems or ())
        return tuple(dict.fromkeys([*versioned, *plain, *named]))

    @property
    def hidden(self) -> int:
        """The number of members that Zalo does not list; 0 if it gave no total."""
        return max((self.total_member or 0) - len(self.members()), 0)


class GroupDetails(msgspec.Struct, frozen=True, rename="camel"):
    """Groups by id, and the ids of those this account is no longer in."""

    grid_info_map: dict[str, Group] = msgspec.field(default_factory=dict)
    removeds_group: list[str | int] = msgspec.field(default_factory=list)
    unchangeds_group: list[str | int] = msgspec.field(default_factory=list)


class MemberProfile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member of a group, friend or not."""

    id: str | int = ""
    display_name: str | None = ""
    zalo_name: str | None = ""
    avatar: str | None = ""

    @property
    def name(self) -> str:
        """The name to show: the one this account gave them, else their own."""
        return self.display_name or self.zalo_name or ""


class MemberProfiles(msgspec.Struct, frozen=True):
    """Members by id."""

    profiles: dict[str, MemberProfile] = msgspec.field(default_factory=dict)

    @property
    def members(self) -> dict[str, MemberProfile]:
        """The members by their exact ids; on the wire a version may follow an id."""
        return {VERSION_SUFFIX.sub("", key): member for key, member in self.profiles.items()}


class History(msgspec.Struct, frozen=True, rename="camel"):
    """Undecoded messages of a group, and whether there are older ones."""

    group_msgs: list[msgspec.Raw] = msgspec.field(default_factory=list)
    more: int | bool = 0
    last_action_id: str | int = ""


# `type[T]` does not take a union, msgspec does.
_HISTORY = cast("type[History | str]", History | str)


def all_groups() -> Call[GroupVersions]:
    """The ids of all groups of the account."""
    return Call("groups", "GET", "group_poll", "/api/group/getlg/v4", GroupVersions, safe_to_retry=True)


def group_info(ids: Sequence[str]) -> Call[GroupDetails]:
    """The descriptions of up to `BATCH` groups.

    Asks for version 0: a known version is answered with changes only.
    """
    params = {"gridVerMap": compact(dict.fromkeys(ids, 0))}
    return Call(
        "group info", "POST", "group", "/api/group/getmg-v2", GroupDetails, params, "form", safe_to_retry=True
    )


def members_info(ids: Sequence[str]) -> Call[MemberProfiles]:
    """Profiles of up to `BATCH` group members, friends or not."""
    params = {"friend_pversion_map": [one if one.endswith("_0") else f"{one}_0" for one in ids]}
    path = "/api/social/group/members"
    return Call("group members", "GET", "profile", path, MemberProfiles, params, safe_to_retry=True)


def history(group_id: str, *, count: int = 50) -> Call[History | str]:
    """The last messages of a group.

    Users of other clients report that Zalo has answered this with HTTP 404 since June 2026.
    """
    params = {"grid": group_id, "count": count}
    return Call("group history", "GET", "group", "/api/group/history", _HISTORY, params, safe_to_retry=True)


def opened(answer: History | str) -> History:
    """The history in an answer, which may be its JSON text. Raises `ProtocolError`."""
    if isinstance(answer, History):
        return answer
    return decode("group history", answer, History)


def in_batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids, each once, in batches for one call."""
    unique = tuple(dict.fromkeys(ids))
    return (unique[start : start + BATCH] for start in range(0, len(unique), BATCH))
