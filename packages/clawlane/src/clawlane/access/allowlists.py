"""The lists of the config that say who is let in: senders (`allowFrom`, …) and groups (`groups`).

The config has already stripped channel prefixes and replaced access groups by their members.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clawlane.access.decision import Rule
from clawlane.access.names import ConfigName, Match, NameList, Pins
from clawlane.config.choices import OutboundMode
from clawlane.config.senders import ANYONE, is_numeric_id

ANY_GROUP = "*"
_PREFIX = "group:"


@dataclass(frozen=True, slots=True)
class Allowlist:
    """A list of senders. Make one with `Allowlist.of`.

    `names` are the entries that are no id, in the order of the file. A name matches only the person it is
    pinned to. `where` says whose pins count, `group` those below which key of `groups` if it is the list of
    one group. A list without `where` (command owners) matches ids alone.
    """

    ids: frozenset[str] = frozenset()
    anyone: bool = False
    names: tuple[str, ...] = ()
    where: NameList | None = None
    group: str = ""
    _names: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, entries: Iterable[str], where: NameList | None = None, group: str = "") -> Allowlist:
        """A list from the entries of the config."""
        stripped = [entry.strip() for entry in entries]
        ids = frozenset(entry for entry in stripped if is_numeric_id(entry))
        names = tuple(
            dict.fromkeys(entry for entry in stripped if entry and entry != ANYONE and entry not in ids)
        )
        return cls(ids, ANYONE in stripped, names, where, group, frozenset(names))

    @property
    def empty(self) -> bool:
        """Whether the list has no entries."""
        return not (self.ids or self.anyone or self.names)

    def __contains__(self, user_id: str) -> bool:
        """Whether this id is on the list as an id or by `*`. An empty or malformed id is on no list."""
        return is_numeric_id(user_id) and (self.anyone or user_id in self.ids)

    def includes(self, user_id: str, pins: Pins) -> bool:
        """Whether this id is on the list, by a name that is pinned to it too."""
        if user_id in self:
            return True
        if self.where is None or not self._names or not is_numeric_id(user_id):
            return False
        return any(pin.name.entry in self._names for pin in pins.on(self.where, user_id, self.group))

    def names_to_pin(self) -> tuple[ConfigName, ...]:
        """The names that need a look-up."""
        if self.where is None:
            return ()
        return tuple(ConfigName(self.where, entry, self.group) for entry in self.names)


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One key of `groups`. `rule` is where it says whether the group is let in.

    `senders` is its own list of who may write, which replaces `groupAllowFrom`, and `outbound` what leaves
    there, which replaces the account's; None if it has none.
    """

    key: str
    rule: Rule
    denies: bool = False
    require_mention: bool = True
    mention_rule: Rule = field(default=Rule("requireMention"))
    senders: Allowlist | None = None
    senders_rule: Rule = field(default=Rule("allowFrom"))
    outbound: OutboundMode | None = None
    outbound_rule: Rule = field(default=Rule("outbound"))

    @property
    def is_name(self) -> bool:
        """Whether the key has to be pinned before it matches a group."""
        return self.key.strip() != ANY_GROUP and not self.group_id

    @property
    def group_id(self) -> str:
        """The id in `9001` or `group:9001`; empty for a name and for `*`."""
        key = self.key.strip()
        return key if is_numeric_id(key) else _prefixed_id(key)


@dataclass(frozen=True, slots=True)
class GroupTable:
    """All keys of `groups` in the order of the file, and indexed. Make one with `GroupTable.of`."""

    all: tuple[GroupRule, ...] = ()
    names: tuple[GroupRule, ...] = ()
    any: GroupRule | None = None
    _ids: dict[str, GroupRule] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rules: Iterable[GroupRule]) -> GroupTable:
        """The table of these keys, which come in the order of the file."""
        rules = tuple(rules)
        names = tuple(rule for rule in rules if rule.is_name)
        by_id: dict[str, GroupRule] = {}
        for rule in sorted(rules, key=lambda rule: bool(_prefixed_id(rule.key.strip()))):  # plain ids first
            key = rule.key.strip()
            by_id.setdefault(_prefixed_id(key) or key, rule)
        return cls(
            all=rules,
            names=names,
            any=by_id.get(ANY_GROUP),
            _ids={key: rule for key, rule in by_id.items() if is_numeric_id(key)},
        )

    def find(self, group_id: str, pins: Pins) -> GroupRule | None:
        """The entry that counts for a group.

        In this order: the id, `group:<id>`, a key pinned by exact name, a key pinned by slug, `*`.
        """
        return self._ids.get(group_id) or self._pinned(group_id, pins) or self.any

    def ids(self) -> set[str]:
        """The ids of groups that have a key of their own."""
        return set(self._ids)

    def unresolved_denial(self, pins: Pins) -> GroupRule | None:
        """A name that denies a group while it is not known which group that is."""
        return next((rule for rule in self.names if rule.denies and not pins.has_group(rule.key)), None)

    def names_to_pin(self) -> tuple[ConfigName, ...]:
        """The names that need a look-up: keys, then senders of single groups."""
        keys = tuple(ConfigName(NameList.GROUPS, rule.key) for rule in self.names)
        lists = (rule.senders for rule in self.all if rule.senders is not None)
        return (*keys, *(name for one in lists for name in one.names_to_pin()))

    def _pinned(self, group_id: str, pins: Pins) -> GroupRule | None:
        matches = {pin.name.entry: pin.match for pin in pins.on(NameList.GROUPS, group_id)}
        pinned = (rule for rule in self.names if rule.key in matches)
        return min(pinned, key=lambda rule: matches[rule.key] is Match.SLUG, default=None)


def _prefixed_id(key: str) -> str:
    """The id in `group:<id>`; empty for every other key."""
    if key[: len(_PREFIX)].lower() != _PREFIX:
        return ""
    rest = key[len(_PREFIX) :].strip()
    return rest if is_numeric_id(rest) else ""
