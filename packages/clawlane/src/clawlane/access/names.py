"""Names in the config, and the ids that look-ups pinned them to. Values only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clawlane.config.errors import format_path
from clawlane.config.senders import is_numeric_id

_SEPARATORS = re.compile(r"[^a-z0-9]+")


class NameList(StrEnum):
    """Where a name can stand, by the key of the channel block."""

    ALLOW_FROM = "allowFrom"
    GROUP_ALLOW_FROM = "groupAllowFrom"
    GROUPS = "groups"
    GROUP_SENDERS = "groups.allowFrom"
    """The list of one group, below its key of `groups`."""


class Match(StrEnum):
    """How a group's name matched the key of the config. People match by exact name only."""

    EXACT = "exact"
    SLUG = "slug"


class PinState(StrEnum):
    """What a completed look-up found: one, nobody, or several."""

    PINNED = "pinned"
    UNRESOLVED = "unresolved"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class ConfigName:
    """A name in one account's config: the list it stands in, and the entry as the settings hold it.

    `group` is the key of `groups` above the list of one group, empty for every other list.
    """

    where: NameList
    entry: str
    group: str = ""

    @property
    def place(self) -> str:
        """The list, below the block of the channel: `allowFrom`, `groups['Work Chat'].allowFrom`."""
        if self.where is not NameList.GROUP_SENDERS:
            return self.where
        return format_path(("groups", self.group, "allowFrom"))


@dataclass(frozen=True, slots=True)
class Pin:
    """The result of one completed look-up. `ids` are all that matched; none or several pin to nothing.

    `at_ms` is when the look-up was done.
    """

    name: ConfigName
    ids: tuple[str, ...] = ()
    match: Match = Match.EXACT
    at_ms: int = 0

    @property
    def state(self) -> PinState:
        if not self.ids:
            return PinState.UNRESOLVED
        return PinState.PINNED if len(self.ids) == 1 else PinState.AMBIGUOUS

    @property
    def id(self) -> str:
        """The id that the name is pinned to; empty if it is pinned to none."""
        return self.ids[0] if len(self.ids) == 1 else ""


@dataclass(frozen=True, slots=True)
class Pins:
    """The completed look-ups of one account. Make one with `Pins.of`.

    Pins of names that have left the config do no harm: the rules use a pin only while its entry is in its
    list.
    """

    all: tuple[Pin, ...] = ()
    _by_name: Mapping[ConfigName, Pin] = field(default_factory=dict, repr=False)
    _by_id: Mapping[str, tuple[Pin, ...]] = field(default_factory=dict, repr=False)
    _groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pins: Iterable[Pin]) -> Pins:
        """The look-ups of one account, at most one a name (the last one counts)."""
        by_name = {pin.name: pin for pin in pins}
        pinned = [pin for pin in by_name.values() if is_numeric_id(pin.id)]
        by_id: dict[str, tuple[Pin, ...]] = {}
        for pin in pinned:
            by_id[pin.id] = (*by_id.get(pin.id, ()), pin)
        groups = frozenset(pin.name.entry for pin in pinned if pin.name.where is NameList.GROUPS)
        return cls(tuple(by_name.values()), by_name, by_id, groups)

    def on(self, where: NameList, user_or_group_id: str, group: str = "") -> tuple[Pin, ...]:
        """The pins of one list that lead to this id; `group` as in `ConfigName`."""
        found = self._by_id.get(user_or_group_id)
        if not found:
            return ()
        return tuple(pin for pin in found if pin.name.where is where and pin.name.group == group)

    def has_group(self, key: str) -> bool:
        """Whether this key of `groups` is pinned to a group."""
        return key in self._groups

    def of_name(self, name: ConfigName) -> Pin | None:
        """What the look-up of a name found, or None if none was completed."""
        return self._by_name.get(name)

    def looked_up(self, names: Iterable[ConfigName]) -> bool:
        """Whether each of these names has had its look-up, whatever it found."""
        return all(name in self._by_name for name in names)


def fold_name(name: str) -> str:
    """A name for comparison: without case, and with accents encoded one way."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def slug(name: str) -> str:
    """`Nhóm Đà Nẵng!` as `nhom-da-nang`. Empty, and so matching nothing, without Latin letters or digits."""
    return _SEPARATORS.sub("-", without_diacritics(name.lower())).strip("-")


def without_diacritics(text: str) -> str:
    """Small letters without their marks: `đà nẵng` as `da nang`."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).replace("đ", "d")
