"""What detectors of alarms find, and alarms as they are stored: values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from clawlane.alarm_kinds import AlarmKind
from clawlane.store.told import Pause
from clawlane.store.transaction import Noted

Evidence = Mapping[str, Noted | Sequence[str]]
"""Ids, numbers, flags and enum words by name."""


class Sign(StrEnum):
    """Something that alone is no alarm."""

    KICK = "kick"
    REFUSAL = "refusal"
    FRIENDS = "friends"
    FALLEN = "fallen"


LASTING = frozenset((Sign.FRIENDS, Sign.FALLEN))
"""The signs of which the newest of a key is kept, however old it is."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A sign at one time. `key` is what it is about among those of its kind (a thread), `number` a count."""

    sign: Sign
    at_ms: int
    key: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Raised:
    """A detector finds that something is wrong."""

    kind: AlarmKind
    evidence: Evidence = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A detector finds that something is well again."""

    kind: AlarmKind
    key: str = ""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a detector noticed of one kind (and key) counts no longer."""

    sign: Sign
    key: str | None = None


Change = Noticed | Cleared | Raised | Ended


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it is stored. `times` is how often it was found; `paused`: it muted the account."""

    id: int
    account: str
    kind: AlarmKind
    key: str
    first_ms: int
    last_ms: int
    times: int
    evidence: dict[str, Noted | list[str]]
    ended_ms: int | None
    acknowledged_ms: int | None
    paused: bool

    @property
    def open(self) -> bool:
        """Whether it is still to be shown: neither over nor acknowledged."""
        return self.ended_ms is None and self.acknowledged_ms is None


@dataclass(frozen=True, slots=True)
class Alarmed:
    """A change of an account's alarms. `new` are those that began, `pause` is what they hold it with."""

    new: tuple[AlarmKind, ...] = ()
    ended: tuple[AlarmKind, ...] = ()
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the detectors of an account knew at the last stop: alarms that go on, and signs in order."""

    going_on: tuple[Alarm, ...] = ()
    signs: tuple[Noticed, ...] = ()
