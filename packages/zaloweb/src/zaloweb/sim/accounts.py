"""An account: a person whom clients log in as."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from zaloweb.sim.people import Person
from zaloweb.sim.qr import Phone

if TYPE_CHECKING:
    from zaloweb.sim.listener import Listener
    from zaloweb.sim.messages import Message
    from zaloweb.sim.sessions import WebSession


@dataclass(eq=False)
class Account(Person):
    """A person with a phone, at most one web session and listener, and the messages to be asked for."""

    session: WebSession | None = field(default=None, repr=False)
    listener: Listener | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.phone = Phone(self, self.world.codes)
        kept = self.world.rules.remembered
        self._user_messages: deque[Message] = deque(maxlen=kept)
        self._group_messages: deque[Message] = deque(maxlen=kept)

    def remember(self, message: Message) -> None:
        """Keep a message for a client that asks for what it missed."""
        (self._group_messages if message.in_group else self._user_messages).append(message)

    def remembered(self, *, group: bool, before: str | None, count: int) -> list[Message]:
        """The newest `count` messages, or those before the one with the id `before`, oldest first."""
        messages = reversed(self._group_messages if group else self._user_messages)
        older = messages if before is None else (m for m in messages if int(m.msg_id) < int(before))
        return list(islice(older, count))[::-1]
