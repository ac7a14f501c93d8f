"""The account itself: its own profile, and the sign that it is still there."""

from __future__ import annotations

import re
from typing import cast

import msgspec

from zaloweb.calls.call import Call

LooseValue = int | float | bool | str | None
"""A small thing told beside the important ones: if it changes its type, nothing else is lost."""


VERSION_SUFFIX = re.compile(r"_\d+$")
"""What may stand behind an id on the wire."""


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person as Zalo describes them.

    What Zalo left out is empty. `is_fr` is 1 for friends, `gender` 0 for men and 1 for women, `sdob` the
    birthday as a text, `last_action_time` in milliseconds.
    """

    user_id: int | str = ""
    username: str | None = ""
    display_name: str | None = ""
    zalo_name: str | None = ""
    avatar: str | None = ""
    cover: str | None = ""
    status: str | None = ""
    gender: LooseValue = None
    sdob: LooseValue = ""
    phone_number: str | None = ""
    is_fr: int | None = None
    is_blocked: LooseValue = None
    last_action_time: LooseValue = None

    @property
    def id(self) -> str:
        """The exact user id."""
        return str(self.user_id)

    @property
    def name(self) -> str:
        """The name to show: as this account knows them, else as they call themselves."""
        return self.display_name or self.zalo_name or self.username or ""


class OwnProfile(User, frozen=True, kw_only=True, rename="camel"):
    """The answer about the own account: the user is in `profile`, or (older) is the answer itself."""

    profile: User | None = None

    @property
    def user(self) -> User:
        """The account's user, wherever the answer had it."""
        return self.profile or self


class KeepAlive(msgspec.Struct, frozen=True):
    """What Zalo says to a keep-alive. The misspelling is Zalo's."""

    config_vesion: int | str | None = None


# `type[T]` does not take a union, msgspec does.
_PROFILE = cast("type[OwnProfile | None]", OwnProfile | None)


def own_profile() -> Call[OwnProfile | None]:
    """Who this account is. The only call about people that sends no parameters."""
    return Call("account info", "GET", "profile", "/api/social/profile/me-v2", _PROFILE, safe_to_retry=True)


def keep_alive(imei: str) -> Call[KeepAlive]:
    """Keeps the session from growing old. Its answer is not encrypted."""
    params = {"imei": imei}
    return Call(
        "keep alive", "GET", "chat", "/keepalive", KeepAlive, params, encrypted=False, safe_to_retry=True
    )
