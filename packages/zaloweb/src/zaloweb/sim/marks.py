"""What people show without writing: that they type, that messages reached them, that they read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zaloweb.sim.accounts import Account
from zaloweb.sim.cast import Cast
from zaloweb.sim.errors import Impossible
from zaloweb.sim.messages import Message
from zaloweb.sim.people import Group, Person
from zaloweb.sim.pushes import Push, delivered, push_all, seen, typing, unread_cleared
from zaloweb.transport.clock import Clock

_TYPING_IS_TOLD_FROM = 3


class Marks:
    """Makes the pushes that tell the accounts of a world about typing and reading."""

    def __init__(self, cast: Cast, clock: Clock) -> None:
        self._cast = cast
        self._clock = clock

    async def type_to(self, person: Person, other: Person) -> None:
        """Somebody types in a chat of two."""
        await push_all(self.typing_to(person, other.uid))

    async def type_in(self, person: Person, group: Group) -> None:
        """Somebody types in a group."""
        if person.uid not in group.members:
            raise Impossible(f"{person.name} is not in the group {group.name}")
        await push_all(self.typing_in(person, group))

    async def receive(self, person: Person, messages: Sequence[Message], *, seen: bool) -> None:
        """Messages reach somebody, who reads them or does not."""
        await push_all(self.received(person, messages, seen=seen))

    async def read_elsewhere(self, account: Account, message: Message) -> None:
        """The account reads a thread up to this message with its phone."""
        thread_id = message.other_side(account)
        push = unread_cleared(account, thread_id, message.msg_id, group=message.in_group)
        await push_all([push])

    def typing_to(self, person: Person, uid: str) -> list[Push]:
        """The pushes for typing in a chat of two."""
        account = self._cast.accounts.get(uid)
        return [typing(account, person, None, self._clock.now_ms())] if account else []

    def typing_in(self, person: Person, group: Group) -> list[Push]:
        """The pushes for typing in a group; as on the real servers there are none in a group of two."""
        if len(group.members) < _TYPING_IS_TOLD_FROM:
            return []
        now = self._clock.now_ms()
        accounts = self._cast.accounts
        others = [accounts[uid] for uid in group.members if uid in accounts and uid != person.uid]
        return [typing(account, person, group, now) for account in others]

    def received(self, person: Person, messages: Iterable[Message], *, seen: bool) -> list[Push]:
        """The pushes for messages that reached somebody: one for the sender of each, if it is an account."""
        return [push for message in messages for push in self._one_received(person, message, seen)]

    def _one_received(self, person: Person, message: Message, was_seen: bool) -> list[Push]:
        sender = self._cast.accounts.get(message.sender.uid)
        if sender is None or sender is person:
            return []
        if was_seen:
            return [seen(sender, person, [message])]
        return [delivered(sender, person, [message], self._clock.now_ms(), seen=False)]
