"""The users and groups of the simulated Zalo, and the registry that finds them by id or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from zaloweb.sim.errors import Impossible, Unknown

_SUBSCRIBER_NUMBERS = 10**8
_FIRST_UID = 8_200_000_000_000_000_001
_FIRST_GID = 9_100_000_000_000_000_001
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Mute:
    """A muted thread: since when (seconds since 1970) and for how many seconds; -1 is forever."""

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


class _Named(Protocol):
    name: str


N = TypeVar("N", bound=_Named)


class Registry:
    """`accounts` are the users that clients can log in as; `people` are all users, accounts included.

    `find_person`, `find_group` and `find_account` take an id, or a name that only one has. They raise
    `Unknown` if there is no match and `Impossible` if the name is ambiguous.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, User] = {}
        self.people: dict[str, User] = {}
        self.groups: dict[str, Group] = {}

    def free_uid(self) -> str:
        """A uid that nobody has yet."""
        number = _FIRST_UID + len(self.people)
        while str(number) in self.people:
            number += 1
        return str(number)

    def add_person(self, person: User) -> None:
        """Register a user that no client logs in as."""
        _check_number("uid", person.uid)
        if person.uid in self.people:
            taken = self.people[person.uid].name
            raise Impossible(f"{taken!r} has the uid {person.uid} already: take another one")
        self.people[person.uid] = person

    def add_account(self, account: User) -> None:
        """Register a user that clients can log in as."""
        self.add_person(account)
        self.accounts[account.uid] = account

    def add_group(self, name: str, members: Sequence[User], created_ms: int, *, gid: str = "") -> Group:
        """A new group of these users, with this gid or a free one; the first user is its creator."""
        if not members:
            raise Impossible("a group needs at least one member")
        if gid:
            _check_number("gid", gid)
        if gid in self.groups:
            raise Impossible(f"{self.groups[gid].name!r} has the gid {gid} already: take another one")
        gid = gid or self._free_gid()
        group = Group(gid, name, {member.uid: member for member in members}, members[0], created_ms)
        self.groups[gid] = group
        return group

    def _free_gid(self) -> str:
        number = _FIRST_GID + len(self.groups)
        while str(number) in self.groups:
            number += 1
        return str(number)

    def find_person(self, who: str) -> User:
        """The user with this uid or name."""
        return _find("person", who, self.people)

    def find_mentioned(self, who: str) -> User:
        """The user with this uid or name; `All` is the mention of everybody, which has the uid -1."""
        return User("-1", who) if who == "All" else self.find_person(who)

    def find_group(self, which: str) -> Group:
        """The group with this id or name."""
        return _find("group", which, self.groups)

    def find_account(self, which: str) -> User:
        """The account with this uid or name."""
        return _find("account", which, self.accounts)

    def by_number(self, number: str) -> User | None:
        """The user with this phone number, written with the country code or with a leading 0."""
        wanted = f"84{number[1:]}" if number.startswith("0") else number.removeprefix("+")
        return next((person for person in self.people.values() if person.number == wanted), None)

    def friends(self, account: User) -> list[User]:
        """The friends of an account, in the order they were registered."""
        return [person for person in self.people.values() if account.uid in person.friend_of]

    def groups_of(self, account: User) -> list[Group]:
        """The groups the account is in."""
        return [group for group in self.groups.values() if account.uid in group.members]


def _check_number(what: str, id: str) -> None:
    if not (id.isascii() and id.isdigit() and len(id) < 40):
        raise Impossible(f"{id[:40]!r} is no {what}: ids are numbers of at most 39 digits")


def _find(what: str, wanted: str, by_id: Mapping[str, N]) -> N:
    if wanted in by_id:
        return by_id[wanted]
    named = [one for one, there in by_id.items() if there.name == wanted]
    if len(named) > 1:
        raise Impossible(f"several are called {wanted!r}: name the {what} by id, one of {_listed(named)}")
    if not named:
        names = sorted({there.name for there in by_id.values()})
        raise Unknown(f"no {what} is called {wanted!r}; there are: {_listed(names) or 'none'}")
    return by_id[named[0]]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
