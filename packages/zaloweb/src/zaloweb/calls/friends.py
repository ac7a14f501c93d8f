"""Friends, and lookups of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from zaloweb.calls.account import VERSION_SUFFIX, LooseValue, User
from zaloweb.calls.call import Call
from zaloweb.errors import InvalidRequest
from zaloweb.wire.envelope import readable

ALL = 20_000
"""The default page size of friends; more than an account can have."""

SMALL_AVATAR = 120
LARGE_AVATAR = 240
"""Sizes of the pictures that answers link to, in pixels."""


class FoundUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person found by telephone number."""

    uid: str | int = ""
    display_name: str | None = ""
    zalo_name: str | None = ""
    avatar: str | None = ""
    cover: str | None = ""
    status: LooseValue = ""
    gender: LooseValue = None
    sdob: LooseValue = ""

    @property
    def id(self) -> str:
        """The exact user id."""
        return str(self.uid)

    @property
    def name(self) -> str:
        """The name to show: the one this account gave them, else their own."""
        return self.display_name or self.zalo_name or ""


class Profiles(msgspec.Struct, frozen=True):
    """Profiles by id; those unchanged since a version are listed separately."""

    changed_profiles: dict[str, User] = msgspec.field(default_factory=dict)
    unchanged_profiles: Any = None

    @property
    def users(self) -> dict[str, User]:
        """The people by their exact ids; on the wire a version may follow an id."""
        return {VERSION_SUFFIX.sub("", key): user for key, user in self.changed_profiles.items()}


class Online(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A friend who is online. `status` is their status text, or JSON that holds it."""

    user_id: str | int
    status: str | None = ""

    @property
    def id(self) -> str:
        """The exact user id."""
        return str(self.user_id)

    @property
    def says(self) -> str:
        """The status text."""
        opened = readable(self.status or "", _Status)
        told = None if opened is None else opened.status
        return (self.status or "") if told is None else told


class _Status(msgspec.Struct):
    status: str | None = None


class Onlines(msgspec.Struct, frozen=True, rename="camel"):
    """The friends who are online, and the account's own status."""

    onlines: list[Online] = msgspec.field(default_factory=list)
    owner_status: str | None = ""
    predefine: list[str] = msgspec.field(default_factory=list)


class Visibility(msgspec.Struct, frozen=True):
    """Whether somebody shows their online status."""

    show_online_status: bool | int = False


class LastOnline(msgspec.Struct, frozen=True, rename="camel"):
    """When somebody was last online, in milliseconds since 1970; 0 if they hide it."""

    last_online: int = 0
    settings: Visibility = Visibility()


_PROFILES = cast("type[Profiles | None]", Profiles | None)


def all_friends(
    imei: str, *, count: int = ALL, page: int = 1, avatar_size: int = SMALL_AVATAR
) -> Call[list[User]]:
    """The account's friends, a page of them; pages count from 1.

    Raises `InvalidRequest` for a page or a count below 1.
    """
    if page < 1 or count < 1:
        raise InvalidRequest("pages of friends count from 1 and hold at least one")
    params = {
        "incInvalid": 1,
        "page": page,
        "count": count,
        "avatar_size": avatar_size,
        "actiontime": 0,
        "imei": imei,
    }
    return Call(
        "friends", "GET", "profile", "/api/social/friend/getfriends", list[User], params, safe_to_retry=True
    )


def user_info(
    ids: Sequence[str],
    *,
    phonebook: object,
    language: str,
    imei: str,
    avatar_size: int = SMALL_AVATAR,
) -> Call[Profiles | None]:
    """Profiles of people. `phonebook` is its version, from the login.

    Raises `InvalidRequest` without ids.
    """
    if not ids or not all(ids):
        raise InvalidRequest("user info needs the ids of the people asked for")
    params = {
        "phonebook_version": phonebook,
        "friend_pversion_map": [user_id if "_" in user_id else f"{user_id}_0" for user_id in ids],
        "avatar_size": avatar_size,
        "language": language,
        "show_online_status": 1,
        "imei": imei,
    }
    path = "/api/social/friend/getprofiles/v2"
    return Call("user info", "POST", "profile", path, _PROFILES, params, "form", safe_to_retry=True)


def find_user(phone: str, *, language: str, imei: str, avatar_size: int = LARGE_AVATAR) -> Call[FoundUser]:
    """The person with a telephone number; with Vietnamese as language a leading 0 stands for +84.

    Never retried, as Zalo counts these. The parameters are in the query twice, as the reference sends them.
    """
    if language == "vi" and phone.startswith("0"):
        phone = f"84{phone[1:]}"
    params = {
        "phone": phone,
        "avatar_size": avatar_size,
        "language": language,
        "imei": imei,
        "reqSrc": 40,
    }
    twice = ("version", "params", "params")
    return Call("find user", "GET", "friend", "/api/friend/profile/get", FoundUser, params, query=twice)


def online(imei: str) -> Call[Onlines]:
    """Which friends are online."""
    path = "/api/social/friend/onlines"
    return Call("friends online", "GET", "profile", path, Onlines, {"imei": imei}, safe_to_retry=True)


def last_online(user_id: str, *, imei: str) -> Call[LastOnline]:
    """When somebody was last online."""
    params = {"uid": user_id, "conv_type": 1, "imei": imei}
    path = "/api/social/profile/lastOnline"
    return Call("last online", "GET", "profile", path, LastOnline, params, safe_to_retry=True)


def accept(user_id: str, *, language: str) -> Call[object]:
    """Accepts somebody's friend request."""
    params = {"fid": user_id, "language": language}
    return Call("accept friend", "POST", "friend", "/api/friend/accept", object, params, "form")


def block(user_id: str, *, imei: str) -> Call[object]:
    """Blocks messages from somebody."""
    params, path = {"fid": user_id, "imei": imei}, "/api/friend/block"
    return Call("block", "POST", "friend", path, object, params, "form", safe_to_retry=True, shown=True)


def unblock(user_id: str, *, imei: str) -> Call[object]:
    """Allows messages from somebody again."""
    params, path = {"fid": user_id, "imei": imei}, "/api/friend/unblock"
    return Call("unblock", "POST", "friend", path, object, params, "form", safe_to_retry=True, shown=True)
