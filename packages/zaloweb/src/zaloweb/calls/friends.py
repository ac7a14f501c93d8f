"""The people an account knows."""

from __future__ import annotations

from zaloweb.calls.account import User
from zaloweb.calls.call import Call

ALL = 20_000
"""How many friends one page asks for; more than an account can have."""

_SMALL_AVATAR = 120


def all_friends(imei: str, *, count: int = ALL, page: int = 1) -> Call[list[User]]:
    """The account's friends, a page of them; pages count from 1."""
    params = {
        "incInvalid": 1,
        "page": page,
        "count": count,
        "avatar_size": _SMALL_AVATAR,
        "actiontime": 0,
        "imei": imei,
    }
    return Call(
        "friends", "GET", "profile", "/api/social/friend/getfriends", list[User], params, safe_to_retry=True
    )
