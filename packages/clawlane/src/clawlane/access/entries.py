"""Lists of senders: what an entry means, and whether a list holds somebody.

The config has already stripped channel prefixes and put the members in the place of access groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clawlane.access.pins import Name, NameList, Pins
from clawlane.config.senders import ANYONE, is_id


def well_formed(user_id: str) -> bool:
    """Whether this can be the id of a person or a group: ASCII digits and nothing else, at any length."""
    return is_id(user_id)


@dataclass(frozen=True, slots=True)
class SenderList:
    """Who is on a list. Make one with `SenderList.of`.

    `names` are the entries that are no id, in the order of the file: one matches whom it is pinned to, and
    nobody by name. `where` says whose pins count; a list without it (command owners) has none.
    """

    ids: frozenset[str] = frozenset()
    anyone: bool = False
    names: tuple[str, ...] = ()
    where: NameList | None = None
    _named: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, entries: Iterable[str], where: NameList | None = None) -> SenderList:
        """A list from the entries of the config."""
        written = [entry.strip() for entry in entries]
        ids = frozenset(entry for entry in written if well_formed(entry))
        names = tuple(
            dict.fromkeys(entry for entry in written if entry and entry != ANYONE and entry not in ids)
        )
        return cls(ids, ANYONE in written, names, where, frozenset(names))

    @property
    def empty(self) -> bool:
        """Whether nothing is written in the list."""
        return not (self.ids or self.anyone or self.names)

    def __contains__(self, user_id: str) -> bool:
        """Whether this id is on the list as an id or by `*`. An empty or malformed id is on no list."""
        return well_formed(user_id) and (self.anyone or user_id in self.ids)

    def holds(self, user_id: str, pins: Pins) -> bool:
        """Whether this id is on the list, names that are pinned to it included."""
        if user_id in self:
            return True
        if self.where is None or not self._named or not well_formed(user_id):
            return False
        return any(pin.name.entry in self._named for pin in pins.on(self.where, user_id))

    def to_pin(self) -> tuple[Name, ...]:
        """The names that need a look-up."""
        return () if self.where is None else tuple(Name(self.where, entry) for entry in self.names)
