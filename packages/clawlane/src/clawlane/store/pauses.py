"""Transitions of the kill switch: pauses that outlive every restart, and what becomes of what waited."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clawlane.messages import Thread


class Level(StrEnum):
    """How far a pause goes: nothing leaves, or the connection is closed as well."""

    MUTE = "mute"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause of an account (`channel/id`), or of one of its threads.

    `until_ms` is when it ends by itself, None for never.
    """

    account: str
    thread: Thread | None
    level: Level
    since_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """A turn, or a text of the gateway itself (`turn` is None), that a pause made too old to go on.

    `waited_ms` is the age of the message, or of the text.
    """

    turn: int | None
    thread: Thread
    message_id: str
    waited_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What the end of a pause came to. `was` is None where nothing was paused."""

    account: str
    thread: Thread | None
    was: Pause | None
    expired: tuple[Overdue, ...] = ()
    flushed: tuple[int, ...] = ()
