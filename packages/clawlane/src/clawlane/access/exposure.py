"""What opens and what closes when the access rules change, for the people and groups that are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from clawlane.access.names import Pins
from clawlane.messages import Group, Person


class DmReach(StrEnum):
    """How far a direct message of somebody gets, the least first."""

    IGNORED = "ignored"
    NOTED = "noted"
    CHALLENGED = "challenged"
    ANSWERED = "answered"

    @property
    def rank(self) -> int:
        return list(DmReach).index(self)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of one account: whom a change of the rules could concern.

    `approved` are the senders that the owner let in, `seen` others who wrote a direct message lately. `pins`
    are what the names of the config stand for.
    """

    friends: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    approved: tuple[Person, ...] = ()
    seen: tuple[Person, ...] = ()
    pins: Pins = field(default_factory=Pins)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that opens or closes. `count` is how many known people or groups it concerns.

    `exposure_text.change_text` makes the sentence from `code` and `data`.
    """

    code: str
    account: str
    count: int
    data: dict[str, str] = field(default_factory=dict)

    @property
    def is_about_people(self) -> bool:
        """Whether it is about who may write, and not about what is done for them."""
        return self.code not in (
            "backlog",
            "tools_added",
            "tools_removed",
            "outbound_loosened",
            "outbound_tightened",
        )


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a change of the rules lets in that was kept out, and the other way round."""

    widens: tuple[Change, ...] = ()
    narrows: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.widens or self.narrows)


Found = tuple[bool, Change]
"""Whether it opens something, and what changes."""
