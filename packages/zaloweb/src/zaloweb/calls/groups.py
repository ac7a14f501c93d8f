"""The groups an account is in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from zaloweb.calls.call import Call

BATCH = 80
"""Ids asked for in one call about groups; other clients ask for no more, so neither do we."""

_VERSION_SUFFIX = re.compile(r"_\d+$")


class GroupVersions(msgspec.Struct, frozen=True, rename="camel"):
    """The ids of all groups, each with the version of its description."""

    version: str | int = ""
    grid_ver_map: dict[str, str | int] = msgspec.field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The exact group ids, in Zalo's order."""
        return tuple(self.grid_ver_map)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a group as the group knows them."""

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
        """The exact ids of all members Zalo told, each once.

        Zalo often leaves the obvious lists empty and names the members as `<id>_<version>` in a third; in
        groups that hide their members, only admins are told.
        """
        versioned = (_VERSION_SUFFIX.sub("", text) for text in self.mem_ver_list or ())
        plain = (str(number) for number in self.member_ids or ())
        named = (str(member.id) for member in self.current_mems or ())
        return tuple(dict.fromkeys([*versioned, *plain, *named]))


class GroupDetails(msgspec.Struct, frozen=True, rename="camel"):
    """The groups asked for, by id, and the ids of those this account is no longer in."""

    grid_info_map: dict[str, Group] = msgspec.field(default_factory=dict)
    removeds_group: list[str | int] = msgspec.field(default_factory=list)
    unchangeds_group: list[str | int] = msgspec.field(default_factory=list)


def all_groups() -> Call[GroupVersions]:
    """The ids of all groups of the account."""
    return Call("groups", "GET", "group_poll", "/api/group/getlg/v4", GroupVersions, safe_to_retry=True)


def group_info(ids: Sequence[str]) -> Call[GroupDetails]:
    """The descriptions of up to `BATCH` groups.

    Asks with version 0, for a known version is answered with changes only.
    """
    params = {"gridVerMap": json.dumps(dict.fromkeys(ids, 0), separators=(",", ":"))}
    return Call(
        "group info", "POST", "group", "/api/group/getmg-v2", GroupDetails, params, "form", safe_to_retry=True
    )


def in_batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids, each once, in portions that one call may ask for."""
    unique = tuple(dict.fromkeys(ids))
    return (unique[start : start + BATCH] for start in range(0, len(unique), BATCH))
