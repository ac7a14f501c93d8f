"""Who may be heard in a group: policy, entry, route and sender. Command and mention come after."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.entries import SenderList
from clawlane.access.group_entries import GroupRule
from clawlane.access.policy import Grants, Policy
from clawlane.access.written import below
from clawlane.config.policy import GroupPolicy
from clawlane.messages import Inbound


@dataclass(frozen=True, slots=True)
class Entered:
    """A group message that passed the first four gates, and the entry that its group was found under."""

    entry: GroupRule | None
    trail: tuple[str, ...]


def enter(inbound: Inbound, policy: Policy, grants: Grants, trail: tuple[str, ...]) -> Entered | Decision:
    """The first four gates. A decision is a drop."""
    if policy.groups is GroupPolicy.DISABLED:
        return _drop(Reason.GROUP_DISABLED, policy.groups_rule, trail)
    trail = (*trail, f"policy:{policy.groups}")
    entry = policy.group_table.find(inbound.thread.id, grants.pins)
    closed = _route(entry, policy, grants)
    if closed is not None:
        return _drop(*closed, trail)
    trail = (*trail, f"entry:{entry.key}" if entry else "entry:none", "route")
    return _sender(inbound.sender_id, entry, policy, grants, trail)


def sender_list(policy: Policy) -> tuple[SenderList | None, Rule]:
    """Who may write in groups, and where that is written. None means anyone."""
    if policy.group_allow is not None:
        return policy.group_allow, policy.group_allow_rule
    if policy.groups is GroupPolicy.OPEN:
        return None, policy.groups_rule
    return policy.allow, policy.group_allow_rule if policy.allow.empty else policy.allow_rule


def opened_by(entry: GroupRule | None, policy: Policy, *, mentioned: bool) -> Rule:
    """What let an admitted message in: the policy where groups need no entry, else the group's entry.

    Of the entry it is the key about mentions, if that let a message in that mentions nobody.
    """
    if entry is None or policy.groups is not GroupPolicy.ALLOWLIST:
        return policy.groups_rule
    return entry.rule if mentioned else entry.mention_rule


def mention_rule(entry: GroupRule | None, group_id: str, policy: Policy) -> Rule:
    """Where it is, or would be, written that a group has to mention the account."""
    if entry is not None:
        return entry.mention_rule
    return Rule(below(policy.group_table_rule.path, group_id, "requireMention"))


def _route(entry: GroupRule | None, policy: Policy, grants: Grants) -> tuple[Reason, Rule] | None:
    """Why a group's messages go nowhere, or None."""
    if entry is not None and entry.denies:
        return Reason.GROUP_ENTRY_DISABLED, entry.rule
    listed = policy.groups is GroupPolicy.ALLOWLIST
    if listed and not policy.group_table.size:
        return Reason.GROUP_NO_ALLOWLIST, policy.group_table_rule
    if listed and entry is None:
        return Reason.GROUP_NOT_ALLOWLISTED, policy.group_table_rule
    # Without an entry of its own the group may be the very one that the name shuts out.
    if entry is None or entry is policy.group_table.any:
        denial = policy.group_table.unresolved_denial(grants.pins)
        if denial is not None:
            return Reason.GROUP_DENY_UNRESOLVED, denial.rule
    return None


def _sender(
    sender_id: str, entry: GroupRule | None, policy: Policy, grants: Grants, trail: tuple[str, ...]
) -> Entered | Decision:
    listed, rule = sender_list(policy)
    if listed is None:
        return Entered(entry, (*trail, "sender:anyone"))
    if listed.empty:
        return _drop(Reason.GROUP_SENDER_LIST_EMPTY, rule, trail)
    if not listed.holds(sender_id, grants.pins):
        return _drop(Reason.GROUP_SENDER_NOT_ALLOWED, rule, trail)
    return Entered(entry, (*trail, f"sender:{listed.where or rule.path}"))


def _drop(reason: Reason, rule: Rule, trail: tuple[str, ...]) -> Decision:
    return Decision(Outcome.DROP, reason, rule, trail)
