"""What a change of the access rules opens and closes: messages are decided about before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from clawlane.access import pairing
from clawlane.access.context import shortened
from clawlane.access.decision import Outcome, Reason
from clawlane.access.exposure import Change, DmReach, Exposure, Found, Known
from clawlane.access.group_comparison import GroupComparison
from clawlane.access.names import ConfigName, NameList
from clawlane.access.outbound_comparison import outbound_changes
from clawlane.access.policy import AccessPolicy
from clawlane.access.scope import NAMED, Scope
from clawlane.access.tool_comparison import tool_changes
from clawlane.messages import Thread, ThreadKind


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
) -> Iterable[Found]:
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

    def changes(unpinned: Iterable[ConfigName]) -> Iterator[Found]:
        scope = Scope(account, before, after, known, tuple(unpinned))
        return _Comparison(scope, GroupComparison(scope)).changes()

    found = list(changes(names))
    if len(allowing) < len(names):
        earlier = changes(allowing)
        found += [one for one in earlier if one not in found]
    return found


@dataclass(frozen=True, slots=True)
class _Comparison:
    of: Scope
    groups: GroupComparison

    def changes(self) -> Iterator[Found]:
        if self.of.after is None:
            yield False, Change("account_off", self.of.account, 1)
            return
        if self.of.before is None:
            yield True, Change("account_on", self.of.account, 1)
        yield from self._dms()
        yield from self.groups.changes()
        if self.of.before is not None:
            yield from self._settings(self.of.before, self.of.after)
            yield from tool_changes(self.of, self.of.before, self.of.after)
            yield from outbound_changes(self.of, self.of.before, self.of.after)

    def _dms(self) -> Iterator[Found]:
        strangers, friends = self._dm(self.of.nobody, friend=False), self._dm(self.of.nobody, friend=True)
        special = self.of.listed | self.of.approved
        seen = sum(one.id not in special | self.of.friends for one in self.of.known.seen)
        known = len(self.of.friends - special)
        if strangers == friends:
            yield from self._dm_change("anybody", *strangers, count=seen + known)
        else:
            yield from self._dm_change("strangers", *strangers, count=seen)
            yield from self._dm_change("friends", *friends, count=known)
        alike: dict[tuple[str, DmReach, DmReach], list[str]] = {}
        for id in sorted(special):
            reach = self._dm(id, friend=id in self.of.friends)
            if reach != (friends if id in self.of.friends else strangers):
                alike.setdefault(("approved" if id in self.of.approved else "people", *reach), []).append(id)
        for (who, was, now), ids in alike.items():
            yield from self._dm_change(who, was, now, len(ids), self.of.people(ids))

    def _dm_change(
        self, who: str, was: DmReach, now: DmReach, count: int, people: str = ""
    ) -> Iterator[Found]:
        if was != now:
            data = {"who": who, "was": was, "now": now} | ({"people": people} if people else {})
            yield now.rank > was.rank, Change("dm", self.of.account, count, data)

    def _dm(self, id: str, *, friend: bool) -> tuple[DmReach, DmReach]:
        return self._dm_by(self.of.before, id, friend), self._dm_by(self.of.after, id, friend)

    def _dm_by(self, policy: AccessPolicy | None, id: str, friend: bool) -> DmReach:
        if policy is None:
            return DmReach.IGNORED
        decision = self.of.decided(policy, id, Thread(ThreadKind.DM, id))
        if decision.outcome is not Outcome.CHALLENGE:
            return DmReach.ANSWERED if decision.admitted else DmReach.IGNORED
        nobody_waits = pairing.Requests(own_texted=None, strangers=0, texts=0, known_friend=friend)
        reason = pairing.answer(policy.pairing_reply, pairing.Contact(True, friend), nobody_waits)
        return DmReach.CHALLENGED if reason is Reason.DM_PAIRING_REQUIRED else DmReach.NOTED

    def _settings(self, before: AccessPolicy, after: AccessPolicy) -> Iterator[Found]:
        """What is set for a whole account."""
        was, now = ({*one.owners.ids, *(("*",) if one.owners.anyone else ())} for one in (before, after))
        for opens, code, ids in ((True, "owners_added", now - was), (False, "owners_removed", was - now)):
            if ids:
                anyone = {self.of.nobody} if "*" in ids else set()
                yield opens, Change(code, self.of.account, len(ids), self.of.counted(ids | anyone))
        was, now = ({one.source for one in policy.mention_patterns} for policy in (before, after))
        for opens, code, sources in (
            (True, "patterns_added", now - was),
            (False, "patterns_removed", was - now),
        ):
            if sources and self.groups.mention_needed():
                told = ", ".join(f"'{shortened(one)}'" for one in sorted(sources)[:NAMED])
                yield opens, Change(code, self.of.account, len(sources), {"patterns": told})
        if before.backlog_max_age_ms != after.backlog_max_age_ms:
            ages = {"was_ms": str(before.backlog_max_age_ms), "now_ms": str(after.backlog_max_age_ms)}
            opens = after.backlog_max_age_ms > before.backlog_max_age_ms
            yield opens, Change("backlog", self.of.account, 1, ages)
