"""Friend requests, friendships and blocks."""

from __future__ import annotations

from zaloweb.sim.errors import Impossible
from zaloweb.sim.pushes import Push, control
from zaloweb.sim.registry import Registry, User

_FROM_PHONE_BOOK = 30


class Friendships:
    """Each method changes the relation at once and returns the pushes that tell the accounts.

    Raises `Impossible` if there is nothing to change.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def ask(self, person: User, account: User, text: str) -> list[Push]:
        """Somebody sends the account a friend request. Zalo pushes it twice, once in an older form."""
        if account.uid in person.friend_of:
            raise Impossible(f"{person.name} is a friend of {account.name} already")
        account.requests[person.uid] = text
        request = {"toUid": account.uid, "fromUid": person.uid, "src": _FROM_PHONE_BOOK, "message": text}
        return [control(account.uid, "fr", act, request) for act in ("req", "req_v2")]

    def take_back(self, person: User, account: User) -> list[Push]:
        """Somebody withdraws the friend request."""
        if account.requests.pop(person.uid, None) is None:
            raise Impossible(f"{person.name} has not asked {account.name} to be friends")
        return [control(account.uid, "fr", "undo_req", {"toUid": account.uid, "fromUid": person.uid})]

    def make(self, person: User, account: User) -> list[Push]:
        """The two become friends; a request between them is answered."""
        account.requests.pop(person.uid, None)
        person.friend_of.add(account.uid)
        account.friend_of.add(person.uid)
        return self._both(person, account, "add")

    def end(self, person: User, account: User) -> list[Push]:
        """The two stop being friends."""
        if account.uid not in person.friend_of:
            raise Impossible(f"{person.name} is no friend of {account.name}")
        person.friend_of.discard(account.uid)
        account.friend_of.discard(person.uid)
        return self._both(person, account, "remove")

    def block(self, account: User, person: User) -> list[Push]:
        """The account blocks somebody, whose messages do not reach it from now on."""
        account.blocked.add(person.uid)
        return [control(account.uid, "fr", "block", person.uid)]

    def unblock(self, account: User, person: User) -> list[Push]:
        """The account lifts the block."""
        account.blocked.discard(person.uid)
        return [control(account.uid, "fr", "unblock", person.uid)]

    def _both(self, person: User, account: User, act: str) -> list[Push]:
        pushes = [control(account.uid, "fr", act, person.uid)]
        if person.uid in self._registry.accounts:
            pushes.append(control(person.uid, "fr", act, account.uid))
        return pushes
