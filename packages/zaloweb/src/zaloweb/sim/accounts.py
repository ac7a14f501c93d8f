"""An account: a person whom clients log in as."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zaloweb.sim.people import Person
from zaloweb.sim.qr import Phone
from zaloweb.sim.ring_buffer import RingBuffer

if TYPE_CHECKING:
    from zaloweb.sim.connections import Connection
    from zaloweb.sim.messages import Message
    from zaloweb.sim.reactions import Reaction
    from zaloweb.sim.sessions import WebSession


@dataclass(frozen=True, slots=True)
class Mute:
    """A thread that makes no sound: from when (seconds since 1970), for how many seconds; -1 for ever."""

    started: int
    duration: int


@dataclass(eq=False)
class Account(Person):
    """A person with a phone, at most one web session and listener, and what can be asked for again.

    `requests` holds the text of the friend requests that wait for an answer, `mutes` the silent threads;
    both by id. `missed` is what was written since a client listened the last time.
    """

    session: WebSession | None = field(default=None, repr=False)
    listener: Connection | None = field(default=None, repr=False)
    blocked: set[str] = field(default_factory=set, repr=False)
    requests: dict[str, str] = field(default_factory=dict, repr=False)
    mutes: dict[str, Mute] = field(default_factory=dict, repr=False)
    missed: deque[Message] = field(default_factory=deque, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.phone = Phone(self, self.world.codes)
        limit = self.world.rules.remembered
        self.missed = deque(maxlen=limit)
        self._messages: Mapping[bool, RingBuffer[Message]] = {
            in_group: RingBuffer(limit, lambda message: message.number) for in_group in (False, True)
        }
        self._reactions: Mapping[bool, RingBuffer[Reaction]] = {
            in_group: RingBuffer(limit, lambda reaction: reaction.number) for in_group in (False, True)
        }

    async def deletes(self, *messages: Message, whole: bool = False) -> None:
        """Delete messages of one thread on one's own side, if `whole` with everything before them."""
        await self.world.delete(self, messages, whole=whole)

    def remember(self, message: Message) -> None:
        """Keep a message for a client that asks for what it missed."""
        self._messages[message.in_group].add(message)

    def remember_reaction(self, reaction: Reaction) -> None:
        """Keep a reaction for a client that asks for what it missed."""
        self._reactions[reaction.in_group].add(reaction)

    def lose(self, message: Message) -> None:
        """The message is gone for this account: undone or deleted."""
        self._messages[message.in_group].drop(message.number)
        if message in self.missed:
            self.missed.remove(message)

    def forget(self, keep: int = 0) -> None:
        """Zalo holds nothing any more but the newest `keep` messages and reactions of each kind of thread."""
        for group in (False, True):
            self._messages[group].forget(keep)
            self._reactions[group].forget(keep)

    def remembered(self, *, group: bool, before: str | None, count: int) -> list[Message]:
        """The newest `count` messages, or those before the one with the id `before`, oldest first."""
        return self._messages[group].before(None if before is None else int(before), count)

    def reactions(self, *, group: bool, before: str | None, count: int) -> list[Reaction]:
        """The newest `count` reactions, or those before the one with the id `before`, oldest first."""
        return self._reactions[group].before(None if before is None else int(before), count)
