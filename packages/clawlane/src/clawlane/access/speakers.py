"""Who may speak in an account's groups: one answer for each group that is let in, and one for all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from clawlane.access.allowlists import Allowlist, GroupRule
from clawlane.access.decision import Reason, Rule
from clawlane.access.in_force import Rules
from clawlane.access.names import ConfigName, NameList, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import closed_by, group_senders
from clawlane.access.who import Who as Who
from clawlane.config.choices import GroupPolicy


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who may speak in one group; with an empty `group`, in all groups without an entry of their own.

    `key` is the entry of `groups` that counts, empty for none. `people` are ids, those of pinned names too,
    and `unresolved` the names that are pinned to nobody. `reason` says why nobody may, and `rule` where that
    or the list is set, which is the group's own one if `own_list` says so.
    """

    who: Who
    rule: Rule
    group: str = ""
    key: str = ""
    people: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    require_mention: bool = True
    reason: Reason | None = None
    own_list: bool = False


def speakers(policy: AccessPolicy, pins: Pins) -> tuple[Speakers, ...]:
    """The groups that an entry of `groups` lets in, in the order of the file; all others come last.

    At least one answer: if no group is let in, it says why.
    """
    if policy.groups is GroupPolicy.DISABLED:
        return (Speakers(Who.NOBODY, policy.groups_rule, reason=Reason.GROUP_DISABLED),)
    found = [*_listed(policy, pins)]
    entry = policy.group_table.any
    closed = closed_by(entry, policy, Grants(pins=pins))
    if closed is None:
        found.append(_in(policy, pins, "", entry))
    elif not found or closed[0] is Reason.GROUP_DENY_UNRESOLVED:
        reason, rule = closed
        found.append(Speakers(Who.NOBODY, rule, reason=reason))
    return tuple(found)


def speakers_in_force(rules: Rules, pins: Pins) -> tuple[Speakers, ...]:
    """The same by the rules in force: while an edit waits, who is let in by both."""
    if rules.edited is None:
        return speakers(rules.policy, pins)
    groups = dict.fromkeys(one.group for policy in rules for one in speakers(policy, pins) if one.group)
    *listed, others = (_by_both(rules, pins, group) for group in (*groups, ""))
    found = [one for one in listed if one.reason in (None, *_LISTS)]
    if others.reason in (None, *_LISTS, Reason.GROUP_DENY_UNRESOLVED) or not found:
        found.append(others)
    return tuple(found)


_LISTS = (Reason.GROUP_SENDER_LIST_EMPTY, Reason.GROUP_SENDER_NOT_ALLOWED)
"""Why nobody may speak in a group that is let in."""


def _by_both(rules: Rules, pins: Pins, group: str) -> Speakers:
    one, other = sorted((_by(policy, pins, group) for policy in rules), key=lambda one: _STRICTEST[one.who])
    both = replace(one, require_mention=one.require_mention or other.require_mention)
    if other.who is not Who.LISTED or one.who is Who.NOBODY:
        return both
    people = tuple(id for id in one.people if id in other.people)
    if not people:
        return replace(both, who=Who.NOBODY, people=(), reason=Reason.GROUP_SENDER_NOT_ALLOWED)
    return replace(both, people=people)


_STRICTEST = {Who.NOBODY: 0, Who.LISTED: 1, Who.ANYONE: 2}


def _by(policy: AccessPolicy, pins: Pins, group: str) -> Speakers:
    """Who may speak in one group, whether or not it is let in; with an empty id, in those without entry."""
    if policy.groups is GroupPolicy.DISABLED:
        return Speakers(Who.NOBODY, policy.groups_rule, group, reason=Reason.GROUP_DISABLED)
    entry = policy.group_table.find(group, pins) if group else policy.group_table.any
    closed = closed_by(entry, policy, Grants(pins=pins))
    if closed is None:
        return _in(policy, pins, group, entry)
    reason, rule = closed
    return Speakers(Who.NOBODY, rule, group, reason=reason)


def _listed(policy: AccessPolicy, pins: Pins) -> Iterator[Speakers]:
    """The groups with an entry of their own that lets them in."""
    table = policy.group_table
    for entry in table.all:
        group_id = entry.group_id or _pinned_to(entry, pins)
        if group_id and not entry.denies and table.find(group_id, pins) is entry:
            yield _in(policy, pins, group_id, entry)


def _pinned_to(entry: GroupRule, pins: Pins) -> str:
    pin = pins.of_name(ConfigName(NameList.GROUPS, entry.key))
    return pin.id if pin is not None else ""


def _in(policy: AccessPolicy, pins: Pins, group_id: str, entry: GroupRule | None) -> Speakers:
    listed, rule = group_senders(policy, entry)
    found = Speakers(Who.ANYONE, rule, group_id)
    if entry is not None:
        own = entry.senders is not None
        found = replace(found, key=entry.key, require_mention=entry.require_mention, own_list=own)
    if listed is None or listed.anyone:
        return found
    if listed.empty:
        return replace(found, who=Who.NOBODY, reason=Reason.GROUP_SENDER_LIST_EMPTY)
    people, unresolved = _people(listed, pins)
    return replace(found, who=Who.LISTED, people=people, unresolved=unresolved)


def _people(listed: Allowlist, pins: Pins) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids that a list lets in, and its names that let nobody in."""
    found = {name.entry: pins.of_name(name) for name in listed.names_to_pin()}
    pinned = [pin.id for pin in found.values() if pin is not None and pin.id]
    lost = tuple(entry for entry, pin in found.items() if pin is None or not pin.id)
    return tuple(dict.fromkeys((*sorted(listed.ids, key=int), *pinned))), lost
