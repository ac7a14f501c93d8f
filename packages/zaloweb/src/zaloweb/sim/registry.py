"""Who there is in a world: accounts, people and groups, each found by its id or its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from zaloweb.sim.accounts import Account
from zaloweb.sim.errors import Impossible, Unknown
from zaloweb.sim.people import Group, Person

if TYPE_CHECKING:
    from zaloweb.sim.messages import Message
    from zaloweb.sim.world import World

_FIRST_UID = 8_200_000_000_000_000_001
_FIRST_GID = 9_100_000_000_000_000_001
_MOST_LISTED = 10


class _Named(Protocol):
    name: str


N = TypeVar("N", bound=_Named)


class Registry:
    """Everybody and every group, by id. A name finds whoever has it alone."""

    def __init__(self, world: World) -> None:
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self._world = world

    def account(self, name: str) -> Account:
        """A further account that clients can log in as."""
        account = Account(self._free_uid(), name, self._world)
        self.accounts[account.uid] = self.people[account.uid] = account
        return account

    def person(self, name: str, friend_of: Account | None, uid: str = "") -> Person:
        """Somebody new, as a friend of this account or as a stranger to all; with this uid or a free one."""
        if uid in self.people:
            raise Impossible(f"{self.people[uid].name!r} has the uid {uid} already: take another one")
        friends = {friend_of.uid} if friend_of else set()
        person = Person(uid or self._free_uid(), name, self._world, friends)
        self.people[person.uid] = person
        return person

    def group(self, name: str, members: Sequence[Person], created_ms: int) -> Group:
        """A group of these people; the first one made it."""
        if not members:
            raise Impossible("a group needs at least one member")
        gid = str(_FIRST_GID + len(self.groups))
        group = Group(gid, name, {member.uid: member for member in members}, members[0], created_ms)
        self.groups[gid] = group
        return group

    def find_person(self, who: str) -> Person:
        """The person with this uid or name. Raises `Unknown`, and `Impossible` if several have the name."""
        return _find("person", who, self.people)

    def find_mentioned(self, who: str) -> Person:
        """The person with this uid or name, or whom `@All` means: everybody, and nobody in particular."""
        return Person("-1", who, self._world) if who == "All" else self.find_person(who)

    def find_group(self, which: str) -> Group:
        """The group with this id or name. Raises `Unknown`, and `Impossible` if several have the name."""
        return _find("group", which, self.groups)

    def find_account(self, which: str) -> Account:
        """The account with this uid or name. Raises `Unknown`, and `Impossible` if several have the name."""
        return _find("account", which, self.accounts)

    def readers(self, message: Message) -> list[Account]:
        """The accounts that find this message on their side, its sender's included.

        What somebody writes to an account that has blocked them does not reach it.
        """
        sender = message.sender.uid
        if message.in_group:
            members = self.groups[message.receiver].members
            return [account for account in self.accounts.values() if account.uid in members]
        both = dict.fromkeys((sender, message.receiver))
        accounts = (self.accounts[uid] for uid in both if uid in self.accounts)
        return [account for account in accounts if sender not in account.blocked]

    def by_number(self, number: str) -> Person | None:
        """Whose telephone number this is, written with the country's code or with a 0."""
        wanted = f"84{number[1:]}" if number.startswith("0") else number.removeprefix("+")
        return next((person for person in self.people.values() if person.number == wanted), None)

    def friends(self, account: Account) -> list[Person]:
        """The friends of an account, in the order they came."""
        return [person for person in self.people.values() if account.uid in person.friend_of]

    def groups_of(self, account: Account) -> list[Group]:
        """The groups the account is in."""
        return [group for group in self.groups.values() if account.uid in group.members]

    def _free_uid(self) -> str:
        number = _FIRST_UID + len(self.people)
        while str(number) in self.people:
            number += 1
        return str(number)


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
