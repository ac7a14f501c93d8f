"""The account itself: its profile, and the keep-alive."""

from __future__ import annotations

import re
from typing import cast

import msgspec

from zaloweb.calls.call import Call

LooseValue = int | float | bool | str | None
"""A minor field: if it changes its type, the rest of the answer is still read."""


VERSION_SUFFIX = re.compile(r"_\d+$")
"""What may stand behind an id on the wire."""


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person as Zalo describes them.

    Missing fields are empty. `is_fr` is 1 for friends, `gender` 0 for men and 1 for women, `sdob` the
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
        """The name to show: the one this account gave them, else their own."""
        return self.display_name or self.zalo_name or self.username or ""


class OwnProfile(User, frozen=True, kw_only=True, rename="camel"):
    """The account's profile: in `profile`, or (older) the answer itself."""

    profile: User | None = None

    @property
    def user(self) -> User:
        """The account's user, in either form."""
        return self.profile or self


class KeepAlive(msgspec.Struct, frozen=True):
    """The answer to a keep-alive. The misspelling is Zalo's."""

    config_vesion: int | str | None = None


# `type[T]` does not take a union, msgspec does.
_PROFILE = cast("type[OwnProfile | None]", OwnProfile | None)


def own_profile() -> Call[OwnProfile | None]:
    """The account's profile. The only call about people without parameters."""
    return Call("account info", "GET", "profile", "/api/social/profile/me-v2", _PROFILE, safe_to_retry=True)


def keep_alive(imei: str) -> Call[KeepAlive]:
    """Keeps the session alive. Its answer is not encrypted."""
    params = {"imei": imei}
    return Call(
        "keep alive", "GET", "chat", "/keepalive", KeepAlive, params, encrypted=False, safe_to_retry=True
    )
