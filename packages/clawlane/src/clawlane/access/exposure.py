"""What a change of the access rules opens and closes: messages are decided about before and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from itertools import count

from clawlane.access import pairing
from clawlane.access.allowlists import Allowlist, GroupRule
from clawlane.access.context import shortened
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.messages import Group, Inbound, Mention, Person, Thread, ThreadKind

NAMED = 4
"""How many people or groups a change names; the others it counts."""

_OWN = "the account itself"
"""Stands for the own id. No sender has it: it is no id."""

_NOW_MS = 1
_AT = "@bot "
_PLAIN = "·"
"""A text that only a mention pattern for nearly everything fits."""

_NO_ID = "no id yet"
"""Told in place of the id of a name that no look-up has pinned."""


class DmReach(StrEnum):
    """How far a direct message of somebody gets, the least first."""

    IGNORED = "ignored"
    NOTED = "noted"
    CHALLENGED = "challenged"
    ANSWERED = "answered"

    @property
    def rank(self) -> int:
        return list(DmReach).index(self)


class _Voice(IntEnum):
    """How far a group message of somebody gets."""

    IGNORED = 0
    MENTIONING = 1
    ANY = 2


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


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a change of the rules lets in that was kept out, and the other way round."""

    widens: tuple[Change, ...] = ()
    narrows: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.widens or self.narrows)


def compare(
    before: Mapping[str, AccessPolicy], after: Mapping[str, AccessPolicy], known: Mapping[str, Known]
) -> Exposure:
    """What changes between two sets of rules, by account (`channel/id`).

    An account that is off has no rules: nobody reaches it. A name that is pinned to no id counts as somebody,
    or some group, of its own: the next look-up may find who that is.
    """
    widens: list[Change] = []
    narrows: list[Change] = []
    for account in sorted({*before, *after}):
        was, now = before.get(account), after.get(account)
        for opens, change in _changes(account, was, now, known.get(account, Known())):
            (widens if opens else narrows).append(change)
    return Exposure(tuple(widens), tuple(narrows))


def _changes(
    account: str, before: AccessPolicy | None, after: AccessPolicy | None, known: Known
) -> Iterable[_Found]:
    """What changes once every name has its id, and before that where a name denies.

    While a group that is denied by name is not known, it closes others too.
    """
    policies = [one for one in (before, after) if one is not None]
    names = dict.fromkeys(
        name
        for policy in policies
        for name in policy.names_to_pin()
        if not ((pin := known.pins.of_name(name)) and pin.id)
    )
    closing = {rule.key for policy in policies for rule in policy.group_table.names if rule.denies}
    allowing = [one for one in names if one.where is not NameList.GROUPS or one.entry not in closing]
    found = list(_Comparison(account, before, after, known, tuple(names)).changes())
    if len(allowing) < len(names):
        earlier = _Comparison(account, before, after, known, tuple(allowing)).changes()
        found += [one for one in earlier if one not in found]
    return found


_Found = tuple[bool, Change]
"""Whether it opens something, and what changes."""


@dataclass
class _Comparison:
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

    def changes(self) -> Iterator[_Found]:
        if self.after is None:
            yield False, Change("account_off", self.account, 1)
            return
        if self.before is None:
            yield True, Change("account_on", self.account, 1)
        yield from self._dms()
        yield from self._groups()
        if self.before is not None:
            yield from self._settings(self.before, self.after)

    def _dms(self) -> Iterator[_Found]:
        strangers, friends = self._dm(self.nobody, friend=False), self._dm(self.nobody, friend=True)
        special = self.listed | self.approved
        seen = sum(one.id not in special | self.friends for one in self.known.seen)
        known = len(self.friends - special)
        if strangers == friends:
            yield from self._dm_change("anybody", *strangers, count=seen + known)
        else:
            yield from self._dm_change("strangers", *strangers, count=seen)
            yield from self._dm_change("friends", *friends, count=known)
        alike: dict[tuple[str, DmReach, DmReach], list[str]] = {}
        for id in sorted(special):
            reach = self._dm(id, friend=id in self.friends)
            if reach != (friends if id in self.friends else strangers):
                alike.setdefault(("approved" if id in self.approved else "people", *reach), []).append(id)
        for (who, was, now), ids in alike.items():
            yield from self._dm_change(who, was, now, len(ids), self._people(ids))

    def _dm_change(
        self, who: str, was: DmReach, now: DmReach, count: int, people: str = ""
    ) -> Iterator[_Found]:
        if was != now:
            data = {"who": who, "was": was, "now": now} | ({"people": people} if people else {})
            yield now.rank > was.rank, Change("dm", self.account, count, data)

    def _dm(self, id: str, *, friend: bool) -> tuple[DmReach, DmReach]:
        return self._dm_by(self.before, id, friend), self._dm_by(self.after, id, friend)

    def _dm_by(self, policy: AccessPolicy | None, id: str, friend: bool) -> DmReach:
        if policy is None:
            return DmReach.IGNORED
        decision = self._decided(policy, id, Thread(ThreadKind.DM, id))
        if decision.outcome is not Outcome.CHALLENGE:
            return DmReach.ANSWERED if decision.admitted else DmReach.IGNORED
        nobody_waits = pairing.Requests(own_texted=None, strangers=0, texts=0, known_friend=friend)
        reason = pairing.answer(policy.pairing_reply, pairing.Contact(True, friend), nobody_waits)
        return DmReach.CHALLENGED if reason is Reason.DM_PAIRING_REQUIRED else DmReach.NOTED

    def _groups(self) -> Iterator[_Found]:
        """Groups for which the same entries count are compared once."""
        before, after = self._voices(self.before), self._voices(self.after)
        alike: dict[tuple[bool, str, tuple[tuple[str, str], ...]], list[str]] = {}
        for group in (*self.groups, self.nobody):
            for opens, code, data in self._group(before(group), after(group)):
                alike.setdefault((opens, code, tuple(data.items())), []).append(group)
        for (opens, code, items), groups in alike.items():
            data = dict(items)
            known = [one for one in groups if one != self.nobody]
            if known:
                told = {"groups": self._told(known, self.group_names)}
                yield opens, Change(code, self.account, len(known), {**data, **told})
            if len(known) < len(groups):
                yield opens, Change(code, self.account, 0, {**data, "others": "yes"})

    def _group(self, was: _Voices, now: _Voices) -> Iterator[tuple[bool, str, dict[str, str]]]:
        """What changes in one group: whether it opens something, its code and the data of its sentence."""
        if not was.reachable or not now.reachable:
            if now.reachable:
                yield (
                    True,
                    "group_reachable",
                    {"who": self._who(now), "mention": "yes" if now.mention else ""},
                )
            elif was.reachable:
                yield False, "group_unreachable", {}
            return
        gained, lost = now.speakers - was.speakers, was.speakers - now.speakers
        if self.nobody in gained:
            yield True, "speakers_anyone", {"was": self._who(was)}
        elif gained:
            yield True, "speakers_added", self._counted(gained)
        if self.nobody in lost:
            yield False, "speakers_listed", {"now": self._who(now)}
        elif lost:
            yield False, "speakers_removed", self._counted(lost)
        both = now.speakers & was.speakers
        if any(now.of[id] > was.of[id] for id in both):
            yield True, "mention_off", {}
        if any(now.of[id] < was.of[id] for id in both):
            yield False, "mention_on", {}
        for opens, code, ids in (
            (True, "commands_added", (now.commands - was.commands) & both),
            (False, "commands_removed", (was.commands - now.commands) & both),
        ):
            if ids:
                yield opens, code, self._counted(ids)

    def _voices(self, policy: AccessPolicy | None) -> Callable[[str], _Voices]:
        """Who may speak in a group by these rules. What it does is cached by the group's entry."""
        if policy is None:
            return lambda _group: _Voices({})
        ids = [*sorted(self.listed), self.nobody]
        found: dict[object, _Voices] = {}

        def voices(group: str) -> _Voices:
            entry = policy.group_table.find(group, self.grants.pins)
            kind = None if entry is None else (entry is policy.group_table.any, _without_place(entry))
            if kind not in found:
                thread = Thread(ThreadKind.GROUP, group)
                of = {id: self._voice(policy, id, thread) for id in ids}
                commands = frozenset(
                    id for id in ids if of[id] and self._decided(policy, id, thread, f"{_AT}/stop").command
                )
                found[kind] = _Voices(of, commands)
            return found[kind]

        return voices

    def _voice(self, policy: AccessPolicy, id: str, thread: Thread) -> _Voice:
        if not self._decided(policy, id, thread, _AT + _PLAIN).admitted:
            return _Voice.IGNORED
        return _Voice.ANY if self._decided(policy, id, thread).admitted else _Voice.MENTIONING

    def _decided(self, policy: AccessPolicy, id: str, thread: Thread, text: str = _PLAIN) -> Decision:
        mentions = (Mention(_OWN, 0, len(_AT) - 1),) if text.startswith(_AT) else ()
        inbound = Inbound(self.account, "", thread, id, "", text, _NOW_MS, mentions)
        return decide(inbound, policy, self.grants, _NOW_MS)

    def _settings(self, before: AccessPolicy, after: AccessPolicy) -> Iterator[_Found]:
        """What is set for a whole account."""
        was, now = ({*one.owners.ids, *(("*",) if one.owners.anyone else ())} for one in (before, after))
        for opens, code, ids in ((True, "owners_added", now - was), (False, "owners_removed", was - now)):
            if ids:
                anyone = {self.nobody} if "*" in ids else set()
                yield opens, Change(code, self.account, len(ids), self._counted(ids | anyone))
        asked = any(
            self._voices(policy)(one).mention
            for policy in (before, after)
            for one in (*self.groups, self.nobody)
        )
        was, now = ({one.source for one in policy.mention_patterns} for policy in (before, after))
        for opens, code, sources in (
            (True, "patterns_added", now - was),
            (False, "patterns_removed", was - now),
        ):
            if sources and asked:
                told = ", ".join(f"'{shortened(one)}'" for one in sorted(sources)[:NAMED])
                yield opens, Change(code, self.account, len(sources), {"patterns": told})
        if before.backlog_max_age_ms != after.backlog_max_age_ms:
            ages = {"was_ms": str(before.backlog_max_age_ms), "now_ms": str(after.backlog_max_age_ms)}
            opens = after.backlog_max_age_ms > before.backlog_max_age_ms
            yield opens, Change("backlog", self.account, 1, ages)

    def _who(self, voices: _Voices) -> str:
        """`anyone`, or how many people may speak."""
        return "anyone" if self.nobody in voices.speakers else str(len(voices.speakers))

    def _counted(self, ids: Set[str]) -> dict[str, str]:
        """Some people for a sentence, or that it is anyone."""
        if self.nobody in ids:
            return {"who": "anyone"}
        return {"n": str(len(ids)), "people": self._people(ids)}

    def _people(self, ids: Iterable[str]) -> str:
        return self._told(sorted(ids), self.names)

    def _told(self, ids: Iterable[str], names: Mapping[str, str]) -> str:
        made_up = self.made_up
        return _told((_NO_ID, made_up[id]) if id in made_up else (id, names.get(id, "")) for id in ids)


@dataclass(frozen=True)
class _Voices:
    """Who may speak in a group, and who of them may use control commands there."""

    of: Mapping[str, _Voice]
    commands: frozenset[str] = frozenset()

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(id for id, voice in self.of.items() if voice)

    @property
    def reachable(self) -> bool:
        return any(self.of.values())

    @property
    def mention(self) -> bool:
        """Whether anybody has to mention the account."""
        return _Voice.MENTIONING in self.of.values()


_NOWHERE = Rule("")


def _without_place(entry: GroupRule) -> GroupRule:
    """An entry without what tells it from others that say the same."""
    return replace(entry, key="", rule=_NOWHERE, mention_rule=_NOWHERE, senders_rule=_NOWHERE)


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
    all = [f"{shortened(name)} ({id})" if name.strip() else id for id, name in found]
    if len(all) <= NAMED:
        return ", ".join(all)
    return f"{', '.join(all[:NAMED])} and {len(all) - NAMED} more"
