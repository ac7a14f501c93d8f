"""The users and groups of the simulated Zalo: plain data that the registry finds by id."""

from __future__ import annotations

from dataclasses import dataclass, field

_SUBSCRIBER_NUMBERS = 10**8


@dataclass(frozen=True, slots=True)
class Mute:
    """A muted thread: since when (seconds since 1970) and for how many seconds; -1 is for ever."""

    started: int
    duration: int


@dataclass(eq=False)
class User:
    """Somebody on Zalo. Only users in `Registry.accounts` can log in.

    `friend_of` holds the uids of the accounts this user is a friend of. The fields after it matter for
    accounts only: `blocked` holds uids, `requests` the texts of friend requests that wait for an answer,
    by uid, and `mutes` the muted threads, by thread id.
    """

    uid: str
    name: str
    online: bool = field(default=True, repr=False)
    status: str = field(default="", repr=False)
    last_online_ms: int = field(default=0, repr=False)
    friend_of: set[str] = field(default_factory=set, repr=False)
    blocked: set[str] = field(default_factory=set, repr=False)
    requests: dict[str, str] = field(default_factory=dict, repr=False)
    mutes: dict[str, Mute] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> str:
        """The phone number, with the country code and without a plus."""
        return f"849{int(self.uid) % _SUBSCRIBER_NUMBERS:08}"


@dataclass(eq=False)
class Group:
    """A group. Its creator may remove members, even after leaving it.

    `hidden` is how many members there are beside `members`: Zalo counts them but does not list them.
    """

    gid: str
    name: str
    members: dict[str, User] = field(repr=False)
    creator: User = field(repr=False)
    created_ms: int = 0
    version: int = 1_690_000_001
    hidden: int = 0
