"""Which groups the rules in force let in: by entries of `groups`, and whether a mention is needed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clawlane.access.allowlists import GroupRule
from clawlane.access.decision import Rule
from clawlane.access.in_force import Rules
from clawlane.access.names import Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import closed_by, group_senders
from clawlane.config.choices import GroupPolicy


@dataclass(frozen=True, slots=True)
class Door:
    """A key of `groups` that lets groups in.

    `senders` are the ids of who may speak there, None where anybody may. `mention_off` is the rule that lets
    messages without a mention through, None where one is needed.
    """

    key: str
    senders: frozenset[str] | None
    mention_off: Rule | None


def doors(rules: Rules, pins: Pins) -> list[Door]:
    """The keys that let groups in, in the order of the file. While an edit waits, those that both let in."""
    keys = dict.fromkeys(
        one.key.strip() for policy in rules for one in policy.group_table.all if not one.denies
    )
    return [door for key in keys if (door := _door(rules, key, pins)) is not None]


def lets_in(rules: Rules, group_id: str, pins: Pins) -> bool:
    """Whether the agent may be called in a group."""
    return all(
        policy.groups is not GroupPolicy.DISABLED
        and closed_by(policy.group_table.find(group_id, pins), policy, Grants(pins=pins)) is None
        for policy in rules
    )


def needs_mention_somewhere(rules: Rules, found: list[Door]) -> bool:
    """Whether there can be a group in which a message without a mention is not answered."""
    others = [policy.group_table.any for policy in rules if policy.groups is GroupPolicy.OPEN]
    without_entry = len(others) == len(tuple(rules)) and None in others
    return without_entry or any(one.mention_off is None for one in found)


def _door(rules: Rules, key: str, pins: Pins) -> Door | None:
    senders: frozenset[str] | None = None
    off: Rule | None = None
    asked = False
    for policy in rules:
        entry = _entry(policy, key, pins)
        # A name that denies while nobody knows which group it is closes what it closes group by group.
        closed = entry.denies if entry is not None else policy.groups is not GroupPolicy.OPEN
        if closed:
            return None
        asked = asked or entry is None or entry.require_mention
        off = off or (entry.mention_rule if entry is not None else None)
        listed, _ = group_senders(policy, entry)
        if listed is not None and not listed.anyone:
            senders = listed.ids if senders is None else senders & listed.ids
    if rules.edited is not None and senders is not None and not senders:
        return None
    return Door(key, senders, None if asked else off)


def _entry(policy: AccessPolicy, key: str, pins: Pins) -> GroupRule | None:
    """The entry that counts where a key of one config lets in, by another config."""
    table = policy.group_table
    same: Iterator[GroupRule] = (one for one in table.all if one.key.strip() == key)
    if (found := next(same, None)) is not None:
        return found
    group_id = GroupRule(key, Rule("")).group_id
    return table.find(group_id, pins) if group_id else table.any
