"""Lists of senders: what an entry means, and whether a list holds somebody.

The config has already stripped channel prefixes and put the members in the place of access groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ANYONE = "*"
_ID = re.compile(r"[0-9]+")


def well_formed(user_id: str) -> bool:
    """Whether this can be the id of a person: ASCII digits and nothing else, at any length."""
    return _ID.fullmatch(user_id) is not None


@dataclass(frozen=True, slots=True)
class SenderList:
    """Who is on a list. `names` are entries that are no id: they match nobody."""

    ids: frozenset[str] = frozenset()
    anyone: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> SenderList:
        """A list from the entries of the config."""
        written = [entry.strip() for entry in entries]
        ids = frozenset(entry for entry in written if well_formed(entry))
        names = tuple(entry for entry in written if entry and entry != ANYONE and entry not in ids)
        return cls(ids, ANYONE in written, names)

    def __contains__(self, user_id: str) -> bool:
        """Whether this id is on the list. An empty or malformed id is on no list."""
        return well_formed(user_id) and (self.anyone or user_id in self.ids)
