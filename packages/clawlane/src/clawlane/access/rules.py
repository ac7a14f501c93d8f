"""The decision about one message: admit it, challenge its sender, keep it as group context, or drop it.

Every message passes the same checks first (whose it is, well-formed ids, content, age), then the table for
direct messages or the gates for groups. Each decision names the config line that made it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clawlane.access.allowlists import Allowlist, GroupRule
from clawlane.access.decision import (
    ASKED_GATE,
    FETCHED,
    LIVE,
    MENTION_GATE,
    OWNER,
    SENDER_GATE,
    Decision,
    Outcome,
    Reason,
    Rule,
    rule_gate,
)
from clawlane.access.mention import MentionSign, can_detect_mentions, find_mention, is_mention_of
from clawlane.access.names import NameList
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.config.errors import path_below
from clawlane.config.senders import is_numeric_id
from clawlane.messages import Inbound, ThreadKind, merge_messages

COMMANDS = frozenset({"/new", "/reset", "/status", "/stop", "/help", "/whoami"})
CLEARS_HISTORY = frozenset({"/new", "/reset"})
OWNER_COMMANDS = frozenset({"/status", "/help", "/whoami"})
"""These answer owners; from others they reach the agent as text."""

OWNER_ACTIONS = frozenset({"/pause", "/resume", "/approve", "/reject", "/draft"})
"""What owners may have done by a text of their own, where the config lets them. They take arguments."""

STOP = "/stop"
PAIRING_STORE = "pairing store"

_CHECKS = ("not_self", "not_own_account", "not_malformed_id", "not_empty")
_LONGEST_COMMAND = max(map(len, COMMANDS))
_LONGEST_ACTION = 20
_LEADING_MENTION = re.compile(r"\s*@\S+")


def decide(inbound: Inbound, policy: AccessPolicy, grants: Grants, now_ms: int) -> Decision:
    """What to do with a message that this machine read at `now_ms`.

    Pure: the same arguments always give the same decision. The platform's clock decides how old the message
    is (`Grants.age_ms`). Ask `ready_to_decide` first: without its own id or its pins an account decides
    worse.
    """
    decision = _decide(inbound, policy, grants, grants.age_ms(inbound, now_ms))
    return replace(decision, revision=policy.revision)


def decide_again(inbound: Inbound, policy: AccessPolicy, grants: Grants) -> Decision | None:
    """The decision to drop an admitted message just before its turn starts; None lets the turn run.

    The age is not checked again: the message was young enough when it was read, and clocks may have been set.
    """
    again = _decide(inbound, policy, grants, age_ms=0)
    if again.admitted:
        return None
    return replace(
        again,
        outcome=Outcome.DROP,
        reason=Reason.REVOKED_BEFORE_RUN,
        keep_as_history=False,
        revision=policy.revision,
    )


def paired_decision(trail: tuple[str, ...]) -> Decision:
    """The decision about a direct message whose sender the owner approved."""
    return Decision(Outcome.ADMIT, Reason.DM_PAIRED, Rule(PAIRING_STORE, PAIRING_STORE), trail)


def group_senders(policy: AccessPolicy, entry: GroupRule | None) -> tuple[Allowlist | None, Rule]:
    """Who may write in the groups that `entry` counts for, and where that is set. None means anyone."""
    if entry is not None and entry.senders is not None:
        return entry.senders, entry.senders_rule
    if policy.group_allow is not None:
        return policy.group_allow, policy.group_allow_rule
    if policy.groups is GroupPolicy.OPEN:
        return None, policy.groups_rule
    return policy.allow, policy.group_allow_rule if policy.allow.empty else policy.allow_rule


def command_in(inbound: Inbound, own_id: str) -> str:
    """The control command that the whole text is, in lower case; empty if it is none.

    Mentions of the own id are ignored, or, without any, one leading `@word`.
    """
    text = inbound.text
    if "/" not in text:
        return ""
    spans = [one for one in inbound.mentions if is_mention_of(one, own_id)]
    if spans:
        for one in sorted(spans, key=lambda span: span.start, reverse=True):
            start = max(one.start, 0)
            text = text[:start] + text[max(one.start + one.length, start) :]
    elif found := _LEADING_MENTION.match(text):
        text = text[found.end() :]
    word = text.strip()
    return word.lower() if len(word) <= _LONGEST_COMMAND and word.lower() in COMMANDS else ""


def album_message(parts: Sequence[Inbound], own_id: str) -> Inbound:
    """The parts of an album as the one message to decide about: a mention in any caption counts for all.

    A part whose caption is a command gives the whole text, whatever the other captions say.
    """
    whole = merge_messages(parts)
    for part in parts:
        if command_in(part, own_id):
            return replace(whole, text=part.text, mentions=part.mentions)
    return whole


def _decide(inbound: Inbound, policy: AccessPolicy, grants: Grants, age_ms: int) -> Decision:
    dropped = _check(inbound, grants)
    if dropped is not None:
        return dropped
    in_group = inbound.thread.kind is ThreadKind.GROUP
    if age_ms > policy.backlog_max_age_ms:
        decision = _drop(Reason.TOO_OLD, policy.backlog_rule, (*_CHECKS, LIVE if inbound.live else FETCHED))
        if not in_group:
            return decision
        passed = _pass_group_gates(inbound, policy, grants, decision.trail)
        kept = isinstance(passed, _Passed) and policy.history_limit > 0
        return replace(decision, trail=passed.trail, keep_as_history=kept)
    trail = (*_CHECKS, "not_too_old")
    if in_group:
        return _decide_group(inbound, policy, grants, trail)
    decision = _decide_dm(inbound.sender_id, policy, grants, trail)
    if not decision.admitted or not policy.text_commands:
        return decision
    command = command_in(inbound, grants.own_id) or _owner_action_in(inbound, policy, grants)
    return replace(decision, command=command) if command else decision


def holds_back(decision: Decision) -> bool:
    """Whether an admission is held back where nothing is answered. What an owner wants done is not."""
    return decision.admitted and decision.command not in OWNER_ACTIONS


def owner_action(text: str) -> str:
    """The first word of a text, if that is something that owners may have done; else empty."""
    word = text.strip()[:_LONGEST_ACTION].split(maxsplit=1)
    return word[0].lower() if word and word[0].lower() in OWNER_ACTIONS else ""


def _owner_action_in(inbound: Inbound, policy: AccessPolicy, grants: Grants) -> str:
    """The same of a direct message by an owner. Nothing that is attached, quoted or forwarded counts."""
    if not policy.owner_commands or inbound.attachments or inbound.forwarded:
        return ""
    return owner_action(inbound.text) if policy.owners.includes(inbound.sender_id, grants.pins) else ""


def _check(inbound: Inbound, grants: Grants) -> Decision | None:
    """The checks that hold for direct messages and groups alike; None for a message that passes."""
    if grants.own_id and inbound.sender_id == grants.own_id:
        return _drop(Reason.SELF, OWNER, ())
    if inbound.sender_id in grants.other_own_ids:
        return _drop(Reason.OWN_ACCOUNT, Rule("own accounts"), _CHECKS[:1])
    if not is_numeric_id(inbound.sender_id) or not is_numeric_id(inbound.thread.id):
        return _drop(Reason.MALFORMED_ID, Rule("sender id"), _CHECKS[:2])
    if not (inbound.text.strip() or inbound.attachments or inbound.quote):
        return _drop(Reason.EMPTY, Rule("content"), _CHECKS[:3])
    return None


def _decide_dm(sender_id: str, policy: AccessPolicy, grants: Grants, trail: tuple[str, ...]) -> Decision:
    """A challenge always comes as `dm_pairing_required`; `pairing.answer` says what it leads to."""
    if policy.dm is DmPolicy.DISABLED:
        return _drop(Reason.DM_DISABLED, policy.dm_rule, trail)
    if policy.dm is DmPolicy.OPEN:
        return Decision(Outcome.ADMIT, Reason.DM_OPEN, policy.dm_rule, trail)
    listed = (*trail, "dm_policy")
    if policy.allow.includes(sender_id, grants.pins):
        return Decision(Outcome.ADMIT, Reason.DM_ALLOWLISTED, policy.allow_rule, listed)
    if policy.dm is DmPolicy.ALLOWLIST:
        return _drop(Reason.DM_NOT_ALLOWLISTED, policy.allow_rule, listed)
    if sender_id in grants.paired:
        return paired_decision(listed)
    return Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, policy.dm_rule, (*trail, "allow_from"))


@dataclass(frozen=True, slots=True)
class _Passed:
    """A group message past the first four gates, and the entry of `groups` that counts for it."""

    entry: GroupRule | None
    trail: tuple[str, ...]


def _decide_group(inbound: Inbound, policy: AccessPolicy, grants: Grants, trail: tuple[str, ...]) -> Decision:
    passed = _pass_group_gates(inbound, policy, grants, trail)
    if isinstance(passed, Decision):
        return passed
    command = command_in(inbound, grants.own_id) if policy.text_commands else ""
    if command:
        lists = (policy.group_allow, policy.allow, policy.owners)
        if not any(one is not None and one.includes(inbound.sender_id, grants.pins) for one in lists):
            return _drop(Reason.COMMAND_UNAUTHORIZED, policy.owners_rule, passed.trail)
        passed = replace(passed, trail=(*passed.trail, f"command:{command}"))
    return _decide_mention(inbound, policy, grants, passed, command)


def _pass_group_gates(
    inbound: Inbound, policy: AccessPolicy, grants: Grants, trail: tuple[str, ...]
) -> _Passed | Decision:
    """The first four gates: policy, entry, route, sender. A decision is a drop."""
    if policy.groups is GroupPolicy.DISABLED:
        return _drop(Reason.GROUP_DISABLED, policy.groups_rule, trail)
    trail = (*trail, f"policy:{policy.groups}")
    entry = policy.group_table.find(inbound.thread.id, grants.pins)
    closed = closed_by(entry, policy, grants)
    if closed is not None:
        return _drop(*closed, trail)
    trail = (*trail, f"entry:{entry.key}" if entry else "entry:none", "route")
    senders, rule = group_senders(policy, entry)
    if senders is None:
        return _Passed(entry, (*trail, f"{SENDER_GATE}anyone"))
    if senders.empty:
        return _drop(Reason.GROUP_SENDER_LIST_EMPTY, rule, trail)
    if not senders.includes(inbound.sender_id, grants.pins):
        return _drop(Reason.GROUP_SENDER_NOT_ALLOWED, rule, trail)
    listed = rule_gate(rule) if senders.where is NameList.GROUP_SENDERS else senders.where or rule.path
    return _Passed(entry, (*trail, f"{SENDER_GATE}{listed}"))


def closed_by(entry: GroupRule | None, policy: AccessPolicy, grants: Grants) -> tuple[Reason, Rule] | None:
    """Why a group is closed to the agent, or None."""
    if entry is not None and entry.denies:
        return Reason.GROUP_ENTRY_DISABLED, entry.rule
    needs_entry = policy.groups is GroupPolicy.ALLOWLIST
    if needs_entry and not policy.group_table.all:
        return Reason.GROUP_NO_ALLOWLIST, policy.group_table_rule
    if needs_entry and entry is None:
        return Reason.GROUP_NOT_ALLOWLISTED, policy.group_table_rule
    # A group without an entry of its own may be the very one that an unpinned name denies.
    if entry is None or entry is policy.group_table.any:
        denial = policy.group_table.unresolved_denial(grants.pins)
        if denial is not None:
            return Reason.GROUP_DENY_UNRESOLVED, denial.rule
    return None


def _decide_mention(
    inbound: Inbound, policy: AccessPolicy, grants: Grants, passed: _Passed, command: str
) -> Decision:
    """The last gate of a group: does the message have to mention the account, and does it."""
    entry = passed.entry
    if entry is not None:
        asked = entry.mention_rule
    else:
        asked = Rule(path_below(policy.group_table_rule.path, inbound.thread.id, "requireMention"))
    sign = find_mention(inbound, policy, grants)
    if sign is None and command and not inbound.mentions:
        sign = MentionSign.COMMAND
    if sign is None and (entry is None or entry.require_mention):
        if not can_detect_mentions(policy, grants):
            return _drop(Reason.MENTION_UNDETECTABLE, policy.mention_patterns_rule, passed.trail)
        keep = policy.history_limit > 0
        return Decision(Outcome.PEND, Reason.MENTION_REQUIRED, asked, passed.trail, keep_as_history=keep)
    set_at = () if asked.line is None else (f"{ASKED_GATE}{rule_gate(asked)}",)
    trail = (*passed.trail, *set_at, f"{MENTION_GATE}{sign or 'not_needed'}")
    if entry is None or policy.groups is not GroupPolicy.ALLOWLIST:
        rule = policy.groups_rule
    else:
        rule = asked if sign is None else entry.rule
    return Decision(Outcome.ADMIT, Reason.GROUP_ADMITTED, rule, trail, command)


def _drop(reason: Reason, rule: Rule, trail: tuple[str, ...]) -> Decision:
    return Decision(Outcome.DROP, reason, rule, trail)
