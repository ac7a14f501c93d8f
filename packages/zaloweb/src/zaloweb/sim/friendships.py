"""Friend requests, friendships and blocks, and what the clients of both sides are told."""

from __future__ import annotations

from zaloweb.sim.accounts import Account
from zaloweb.sim.errors import Impossible
from zaloweb.sim.people import Person
from zaloweb.sim.pushes import Push, control, push_all
from zaloweb.sim.registry import Registry

_FROM_PHONE_BOOK = 30


class Friendships:
    """Changes who is whose friend. Each step changes the world at once; the returned pushes tell of it."""

    def __init__(self, cast: Registry) -> None:
        self._registry = cast

    async def ask(self, person: Person, account: Account, text: str) -> None:
        """Somebody asks the account to be friends. Zalo tells it twice, once in an older way."""
        if account.uid in person.friend_of:
            raise Impossible(f"{person.name} is a friend of {account.name} already")
        account.requests[person.uid] = text
        request = {"toUid": account.uid, "fromUid": person.uid, "src": _FROM_PHONE_BOOK, "message": text}
        await push_all(control(account, "fr", act, request) for act in ("req", "req_v2"))

    async def take_back(self, person: Person, account: Account) -> None:
        """Somebody withdraws the request."""
        if account.requests.pop(person.uid, None) is None:
            raise Impossible(f"{person.name} has not asked {account.name} to be friends")
        request = {"toUid": account.uid, "fromUid": person.uid}
        await push_all([control(account, "fr", "undo_req", request)])

    async def make(self, person: Person, account: Account) -> None:
        """The two are friends."""
        await push_all(self.made(person, account))

    async def end(self, person: Person, account: Account) -> None:
        """The two are friends no more."""
        if account.uid not in person.friend_of:
            raise Impossible(f"{person.name} is no friend of {account.name}")
        await push_all(self.ended(person, account))

    def made(self, person: Person, account: Account) -> list[Push]:
        """The two are friends; a request between them is answered."""
        account.requests.pop(person.uid, None)
        person.friend_of.add(account.uid)
        account.friend_of.add(person.uid)
        return self._both(person, account, "add")

    def ended(self, person: Person, account: Account) -> list[Push]:
        """The two are friends no more."""
        person.friend_of.discard(account.uid)
        account.friend_of.discard(person.uid)
        return self._both(person, account, "remove")

    def blocked(self, account: Account, person: Person) -> list[Push]:
        """The account blocks somebody, whose messages do not reach it from now on."""
        account.blocked.add(person.uid)
        return [control(account, "fr", "block", person.uid)]

    def unblocked(self, account: Account, person: Person) -> list[Push]:
        """The account lifts the block."""
        account.blocked.discard(person.uid)
        return [control(account, "fr", "unblock", person.uid)]

    def _both(self, person: Person, account: Account, act: str) -> list[Push]:
        pushes = [control(account, "fr", act, person.uid)]
        other = self._registry.accounts.get(person.uid)
        return [*pushes, control(other, "fr", act, account.uid)] if other else pushes
