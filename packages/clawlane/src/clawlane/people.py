"""The people and groups that an account knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A person the account knows. `name` is what the account's owner sees; `aliases` are their other names.

    `is_friend` is None if the channel does not know.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    is_friend: bool | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group the account is in. `member_count` is None if unknown."""

    id: str
    name: str
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a group that the platform lists.

    `total` is their number by the platform's count, None if it is unknown. A group may hide members, so
    `total` may be larger than the list.
    """

    people: tuple[Person, ...]
    total: int | None = None

    @property
    def hidden(self) -> int:
        """The number of members that the platform hides."""
        return max(0, (self.total or 0) - len(self.people))

    def __len__(self) -> int:
        return len(self.people)
