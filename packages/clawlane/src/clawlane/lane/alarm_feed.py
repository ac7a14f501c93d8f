"""What the lane tells those who look for trouble with the platform. Every call is cheap, and none fails."""

from __future__ import annotations

from typing import Protocol

from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.store.alarm_told import Alarmed


class AlarmFeed(Protocol):
    """The facts that alarms are made of."""

    def arrived(self, thread: Thread) -> None:
        """A message arrived."""

    def failed(self) -> None:
        """A send did not leave, or it is unknown whether it arrived."""

    def refused(self, thread: Thread, code: int) -> None:
        """The platform refused a message for a reason that may be about the account."""

    def read(self, inbound: Inbound) -> None:
        """A message was stored that was not known: pushed if it is `live`, else fetched."""

    def asked(self, kind: ThreadKind) -> None:
        """The platform is asked for past messages of this kind of thread."""

    def caught_up(self, kind: ThreadKind) -> None:
        """They have been stored."""

    def friends(self, known: int, listed: int) -> None:
        """The platform listed so many friends; so many were known before."""

    def alarmed(self, alarmed: Alarmed) -> None:
        """The store raised an alarm itself, in the transaction of its cause."""


class NoFeed:
    """Nobody looks for trouble."""

    def arrived(self, thread: Thread) -> None: ...
    def failed(self) -> None: ...
    def refused(self, thread: Thread, code: int) -> None: ...
    def read(self, inbound: Inbound) -> None: ...
    def asked(self, kind: ThreadKind) -> None: ...
    def caught_up(self, kind: ThreadKind) -> None: ...
    def friends(self, known: int, listed: int) -> None: ...
    def alarmed(self, alarmed: Alarmed) -> None: ...
