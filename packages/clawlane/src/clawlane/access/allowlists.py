"""Lists of senders: what an entry means, and whether a list holds somebody.

The config has already stripped channel prefixes and put the members in the place of access groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clawlane.access.decision import Rule
from clawlane.access.names import Match, Name, NameList, Pin, Pins
from clawlane.config.entries import ANYONE, is_id


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


ANY_GROUP = "*"
_PREFIX = "group:"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One key of `groups`. `rule` is where its answer to "may this group in" is written."""

    key: str
    rule: Rule
    denies: bool = False
    require_mention: bool = True
    mention_rule: Rule = field(default=Rule("requireMention"))

    @property
    def is_name(self) -> bool:
        """Whether the key has to be pinned before it matches a group."""
        key = self.key.strip()
        return key != ANY_GROUP and not well_formed(key) and not _prefixed_id(key)


@dataclass(frozen=True, slots=True)
class GroupTable:
    """All keys of `groups`, ready to be asked. Make one with `GroupTable.of`."""

    names: tuple[GroupRule, ...] = ()
    any: GroupRule | None = None
    size: int = 0
    _ids: dict[str, GroupRule] = field(default_factory=dict, repr=False)
    _prefixed: dict[str, GroupRule] = field(default_factory=dict, repr=False)
    _places: dict[str, int] = field(default_factory=dict, repr=False)
    _denying: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rules: Iterable[GroupRule]) -> GroupTable:
        """The table of these keys, which come in the order of the file."""
        written = tuple(rules)
        names = tuple(rule for rule in written if rule.is_name)
        ids: dict[str, GroupRule] = {}
        prefixed: dict[str, GroupRule] = {}
        for rule in written:
            key = rule.key.strip()
            ids.setdefault(key, rule)
            prefixed.setdefault(_prefixed_id(key), rule)
        return cls(
            names=names,
            any=ids.get(ANY_GROUP),
            size=len(written),
            _ids={key: rule for key, rule in ids.items() if well_formed(key)},
            _prefixed={key: rule for key, rule in prefixed.items() if key},
            _places={rule.key: place for place, rule in enumerate(names)},
            _denying=frozenset(rule.key for rule in names if rule.denies),
        )

    def find(self, group_id: str, pins: Pins) -> GroupRule | None:
        """The entry that counts: the id, `group:<id>`, a key pinned by exact name, by slug, then `*`."""
        found = self._ids.get(group_id) or self._prefixed.get(group_id)
        return found or self._pinned(group_id, pins) or self.any

    def unresolved_denial(self, pins: Pins) -> GroupRule | None:
        """A name that shuts a group out, while nobody knows which group that is."""
        unpinned = pins.unpinned_groups(self._denying)
        return next((rule for rule in self.names if rule.key in unpinned), None) if unpinned else None

    def to_pin(self) -> tuple[Name, ...]:
        """The names that need a look-up."""
        return tuple(Name(NameList.GROUPS, rule.key) for rule in self.names)

    def _pinned(self, group_id: str, pins: Pins) -> GroupRule | None:
        fitting = [pin for pin in pins.on(NameList.GROUPS, group_id) if pin.name.entry in self._places]
        return self.names[min(map(self._rank, fitting))[1]] if fitting else None

    def _rank(self, pin: Pin) -> tuple[bool, int]:
        return pin.match is Match.SLUG, self._places[pin.name.entry]


def _prefixed_id(key: str) -> str:
    """The id in `group:<id>`, or nothing."""
    if key[: len(_PREFIX)].lower() != _PREFIX:
        return ""
    rest = key[len(_PREFIX) :].strip()
    return rest if well_formed(rest) else ""
