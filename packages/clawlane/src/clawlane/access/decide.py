"""The verdict on a message: the checks before the tables, then the table of its kind of thread."""

from __future__ import annotations

from dataclasses import replace

from clawlane.access.commands import command_in, may_command
from clawlane.access.decision import MENTION_GATE, Decision, Outcome, Reason, Rule
from clawlane.access.dm import decide_dm
from clawlane.access.entries import well_formed
from clawlane.access.groups import Entered, enter, mention_rule
from clawlane.access.mention import Recognised, detectable, recognised
from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound, ThreadKind

_SELF, _OWN_ACCOUNTS = Rule("self"), Rule("own accounts")
_SENDER_ID, _CONTENT = Rule("sender id"), Rule("content")
_WHO = ("not_self", "not_own_account", "not_malformed_id", "not_empty")


def decide(inbound: Inbound, policy: Policy, grants: Grants, now_ms: int) -> Decision:
    """What to do with a message read at `now_ms`. Pure: the same arguments always give the same decision.

    Ask `ready` first: an account that does not know its id or its pins yet decides worse than it could.
    """
    stopped = _before_the_tables(inbound, grants)
    if stopped is not None:
        return stopped
    in_group = inbound.thread.kind is ThreadKind.GROUP
    if inbound.sent_ms and now_ms - inbound.sent_ms > policy.backlog_max_age_ms:
        return _too_old(inbound, policy, grants, in_group)
    trail = (*_WHO, "not_too_old")
    if in_group:
        return _decide_group(inbound, policy, grants, trail)
    return _with_command(decide_dm(inbound.sender_id, policy, grants, trail), inbound, policy, grants)


def decide_again(inbound: Inbound, policy: Policy, grants: Grants, read_ms: int) -> Decision | None:
    """The second decision, just before a turn starts, if it closes the door; None lets the turn run.

    Age counts as it did when the message was read, at `read_ms`.
    """
    again = decide(inbound, policy, grants, read_ms)
    if again.admitted:
        return None
    return replace(again, outcome=Outcome.DROP, reason=Reason.REVOKED_BEFORE_RUN, keep_as_history=False)


def _before_the_tables(inbound: Inbound, grants: Grants) -> Decision | None:
    if grants.own_id and inbound.sender_id == grants.own_id:
        return _drop(Reason.SELF, _SELF, ())
    if inbound.sender_id in grants.other_own_ids:
        return _drop(Reason.OWN_ACCOUNT, _OWN_ACCOUNTS, _WHO[:1])
    if not well_formed(inbound.sender_id) or not well_formed(inbound.thread.id):
        return _drop(Reason.MALFORMED_ID, _SENDER_ID, _WHO[:2])
    if not (inbound.text.strip() or inbound.attachments or inbound.quote):
        return _drop(Reason.EMPTY, _CONTENT, _WHO[:3])
    return None


def _too_old(inbound: Inbound, policy: Policy, grants: Grants, in_group: bool) -> Decision:
    decision = _drop(Reason.TOO_OLD, policy.backlog_rule, _WHO)
    if not in_group:
        return decision
    entered = enter(inbound, policy, grants, _WHO)
    kept = isinstance(entered, Entered) and policy.history_limit > 0
    return replace(decision, trail=entered.trail, keep_as_history=kept)


def _with_command(decision: Decision, inbound: Inbound, policy: Policy, grants: Grants) -> Decision:
    """An admitted direct message with the command that it is, if it is one."""
    if not (decision.admitted and policy.text_commands):
        return decision
    command = command_in(inbound, grants.own_id)
    return replace(decision, command=command) if command else decision


def _decide_group(inbound: Inbound, policy: Policy, grants: Grants, trail: tuple[str, ...]) -> Decision:
    entered = enter(inbound, policy, grants, trail)
    if isinstance(entered, Decision):
        return entered
    command = command_in(inbound, grants.own_id) if policy.text_commands else ""
    if not command:
        return _by_mention(inbound, policy, grants, entered, "")
    if not may_command(inbound.sender_id, policy, grants):
        return _drop(Reason.COMMAND_UNAUTHORIZED, policy.owners_rule, entered.trail)
    passed = Entered(entered.entry, (*entered.trail, f"command:{command}"))
    return _by_mention(inbound, policy, grants, passed, command)


def _by_mention(inbound: Inbound, policy: Policy, grants: Grants, entered: Entered, command: str) -> Decision:
    rule = mention_rule(entered.entry, inbound.thread.id, policy)
    sign = recognised(inbound, policy, grants)
    if sign is None and command and not inbound.mentions:
        sign = Recognised.COMMAND
    if sign is None and (entered.entry is None or entered.entry.require_mention):
        if not detectable(policy, grants):
            return _drop(Reason.MENTION_UNDETECTABLE, policy.mention_patterns_rule, entered.trail)
        keep = policy.history_limit > 0
        return Decision(Outcome.PEND, Reason.MENTION_REQUIRED, rule, entered.trail, keep_as_history=keep)
    trail = (*entered.trail, f"{MENTION_GATE}{sign or 'not_needed'}")
    return Decision(Outcome.ADMIT, Reason.GROUP_ADMITTED, rule, trail, command)


def _drop(reason: Reason, rule: Rule, trail: tuple[str, ...]) -> Decision:
    return Decision(Outcome.DROP, reason, rule, trail)
