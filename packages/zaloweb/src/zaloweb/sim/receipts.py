"""Typing, delivered and seen: what the accounts concerned are told."""

from __future__ import annotations

from collections.abc import Iterable

from zaloweb.sim.groups import must_be_member
from zaloweb.sim.messages import Message
from zaloweb.sim.pushes import Push, delivered, seen, typing
from zaloweb.sim.registry import Group, Registry, User
from zaloweb.transport.clock import Clock

_SMALLEST_GROUP_WITH_TYPING = 3


class Receipts:
    """Each method returns the pushes; nothing is kept."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def typing_to(self, person: User, uid: str) -> list[Push]:
        """Somebody types in a direct chat with the user who has this uid."""
        if uid not in self._registry.accounts:
            return []
        return [typing(uid, person, None, self._clock.now_ms())]

    def typing_in(self, person: User, group: Group) -> list[Push]:
        """Somebody types in a group. As on the real servers a group of two gets no push."""
        must_be_member(group, person)
        if len(group.members) < _SMALLEST_GROUP_WITH_TYPING:
            return []
        now = self._clock.now_ms()
        others = [uid for uid in group.members if uid in self._registry.accounts and uid != person.uid]
        return [typing(uid, person, group, now) for uid in others]

    def received(self, person: User, messages: Iterable[Message], *, read: bool) -> list[Push]:
        """Messages reached somebody, who has `read` them or not: one push for each sender's account."""
        now = self._clock.now_ms()
        return [
            seen(message.sender.uid, person, message)
            if read
            else delivered(message.sender.uid, person, message, now)
            for message in messages
            if message.sender.uid in self._registry.accounts and message.sender is not person
        ]
