"""Finds people in a text that calls them `@Name`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from clawlane.messages import Person

_NOBODY = frozenset(("all", "tất cả", "everyone", "mọi người"))
"""What stands for everybody: no reply calls a whole group."""


class Names:
    """The names of a group's members, each with the person if only one has it.

    Case does not matter, diacritics do.
    """

    def __init__(self, people: Sequence[Person]) -> None:
        self._people: dict[str, str | None] = {}
        lengths: set[int] = set()
        for person in people:
            for name in (person.name.strip(), *map(str.strip, person.aliases)):
                key = _key(name)
                if not key or key in _NOBODY:
                    continue
                known = self._people.setdefault(key, person.id)
                if known != person.id:
                    self._people[key] = None
                lengths |= {len(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")}
        self._lengths = sorted(lengths, reverse=True)

    def find(self, text: str, at: int, end: int) -> tuple[str, int] | None:
        """The id of the person whose name follows the `@` at this place, and where the name ends.

        The longest name that fits counts; if several people have it, nobody is meant.
        """
        before = text[at - 1 : at]
        if before and (_joins(before) or before in "/@."):
            return None
        for length in self._lengths:
            stop = at + 1 + length
            if stop > end or (stop < len(text) and _joins(text[stop])):
                continue
            key = _key(text[at + 1 : stop])
            if key in self._people:
                person = self._people[key]
                return None if person is None else (person, stop)
        return None


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _joins(char: str) -> bool:
    """Whether a word goes on with this character."""
    return char.isalnum() or unicodedata.combining(char) > 0
