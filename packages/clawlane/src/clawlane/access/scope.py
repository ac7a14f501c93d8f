"""Between which rules of an account, and for whom, a comparison is made: everybody known, and a stranger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import count

from clawlane.access.allowlists import Allowlist
from clawlane.access.context import shortened
from clawlane.access.decision import Decision
from clawlane.access.exposure import Change, Found, Known
from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.messages import Inbound, Mention, Thread
from clawlane.texts import joined, later

NAMED = 4
"""How many people or groups a change names; the others it counts."""

AT = "@bot "
PLAIN = "·"
"""A text that only a mention pattern for nearly everything fits."""

_OWN = "the account itself"
"""Stands for the own id. No sender has it: it is no id."""

_NOW_MS = 1
_NO_ID = later("no id yet")
"""Told in place of the id of a name that no look-up has pinned."""


InGroup = tuple[bool, str, dict[str, str]]
"""A change in one group: whether it opens something, its code and the data of its sentence."""


@dataclass
class Scope:
    """One account before and after a change.

    `nobody` is an id that nobody has: what it may do is what strangers, and groups without an entry, get.
    """

    account: str
    before: AccessPolicy | None
    after: AccessPolicy | None
    known: Known
    unpinned: tuple[ConfigName, ...] = ()
    """Names that get an id here that nobody has."""

    def __post_init__(self) -> None:
        self.names = {
            one.id: one.name for one in (*self.known.seen, *self.known.approved, *self.known.friends)
        }
        self.friends = {one.id for one in self.known.friends}
        self.approved = {one.id for one in self.known.approved}
        self.group_names = {one.id: one.name for one in self.known.groups}
        self.made_up: dict[str, str] = {}
        pins = self._pins()
        pinned = [one for one in pins.all if one.id]
        self.listed = {one.id for one in pinned if one.name.where is not NameList.GROUPS}
        keys = {one.id for one in pinned if one.name.where is NameList.GROUPS}
        for policy in (self.before, self.after):
            if policy is not None:
                keys |= policy.group_table.ids()
                for one in _lists(policy):
                    self.listed |= one.ids
        self.groups = [*self.group_names, *sorted(keys - self.group_names.keys())]
        self.nobody = next(_unused({*self.listed, *self.approved, *self.names, *self.groups}))
        self.grants = Grants(_OWN, paired=frozenset(self.approved), pins=pins)

    def _pins(self) -> Pins:
        """The pins, and one for each name without: the same one wherever the name stands."""
        used = {*self.names, *self.group_names, *(id for pin in self.known.pins.all for id in pin.ids)}
        for policy in (self.before, self.after):
            if policy is not None:
                used = used.union(policy.group_table.ids(), *(one.ids for one in _lists(policy)))
        unused, ids = _unused(used), dict[tuple[bool, str], str]()
        for name in self.unpinned:
            if (whose := (name.where is NameList.GROUPS, name.entry)) not in ids:
                ids[whose] = next(unused)
        self.made_up = {id: entry for (_, entry), id in ids.items()}
        made = (Pin(name, (ids[name.where is NameList.GROUPS, name.entry],)) for name in self.unpinned)
        return Pins.of((*self.known.pins.all, *made))

    def decided(self, policy: AccessPolicy, id: str, thread: Thread, text: str = PLAIN) -> Decision:
        """What is decided about a message of somebody."""
        mentions = (Mention(_OWN, 0, len(AT) - 1),) if text.startswith(AT) else ()
        inbound = Inbound(self.account, "", thread, id, "", text, _NOW_MS, mentions)
        return decide(inbound, policy, self.grants, _NOW_MS)

    def by_groups(self, found: Mapping[str, Iterable[InGroup]]) -> Iterator[Found]:
        """The changes of single groups, told once for all groups that they are the same in."""
        alike: dict[tuple[bool, str, tuple[tuple[str, str], ...]], list[str]] = {}
        for group, changes in found.items():
            for opens, code, data in changes:
                alike.setdefault((opens, code, tuple(data.items())), []).append(group)
        for (opens, code, items), groups in alike.items():
            data = dict(items)
            known = [one for one in groups if one != self.nobody]
            if known:
                told = {"groups": self.told(known, self.group_names)}
                yield opens, Change(code, self.account, len(known), {**data, **told})
            if len(known) < len(groups):
                yield opens, Change(code, self.account, 0, {**data, "others": "yes"})

    def counted(self, ids: Set[str]) -> dict[str, str]:
        """Some people for a sentence, or that it is anyone."""
        if self.nobody in ids:
            return {"who": "anyone"}
        return {"n": str(len(ids)), "people": self.people(ids)}

    def people(self, ids: Iterable[str]) -> str:
        return self.told(sorted(ids), self.names)

    def told(self, ids: Iterable[str], names: Mapping[str, str]) -> str:
        made_up = self.made_up
        return _told((_NO_ID, made_up[id]) if id in made_up else (id, names.get(id, "")) for id in ids)


def _lists(policy: AccessPolicy) -> Iterator[Allowlist]:
    yield from (policy.allow, policy.owners)
    if policy.group_allow is not None:
        yield policy.group_allow
    yield from (entry.senders for entry in policy.group_table.all if entry.senders is not None)


def _unused(ids: set[str]) -> Iterator[str]:
    """Ids that nobody has, and no list."""
    return (id for number in count(10**20) if (id := str(number)) not in ids)


def _told(found: Iterable[tuple[str, str]]) -> str:
    """`Work Chat (9001), 9002 and 3 more`."""
    return first_of(
        [
            joined((shortened(name), joined(("(", id, ")"), "")), " ") if name.strip() else id
            for id, name in found
        ]
    )


def first_of(names: Sequence[str]) -> str:
    """Names for a sentence, as many as a change names, and how many more there are."""
    first = joined(names[:NAMED])
    if len(names) <= NAMED:
        return first
    return later("{names} and {n} more", names=first, n=len(names) - NAMED)
