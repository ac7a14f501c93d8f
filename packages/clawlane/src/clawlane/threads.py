"""The conversation that a message belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ThreadKind(StrEnum):
    """A conversation with one person, or a group."""

    DM = "dm"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation of a message. A DM's id is the other person's id."""

    kind: ThreadKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"
