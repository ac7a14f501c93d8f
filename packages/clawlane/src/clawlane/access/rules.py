"""The verdict on a message: the checks before the tables, then the table of its kind of thread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clawlane.access.allowlists import GroupRule, SenderList, well_formed
from clawlane.access.decision import (
    ASKED_GATE,
    FETCHED,
    LIVE,
    MENTION_GATE,
    Decision,
    Outcome,
    Reason,
    Rule,
)
from clawlane.access.mention import Recognised, detectable, names, recognised
from clawlane.access.policy import Grants, Policy, below
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.messages import Inbound, ThreadKind, merged

COMMANDS = frozenset({"/new", "/reset", "/status", "/stop", "/help", "/whoami"})

CLEARS_HISTORY = frozenset({"/new", "/reset"})

STOP = "/stop"
_AT_WORD = re.compile(r"\s*@\S+")

_LONGEST = max(map(len, COMMANDS))


def command_in(inbound: Inbound, own_id: str) -> str:
    """The command that the whole text is, in lower case; empty if it is none.

    The spans that mention the own id do not count, or, where there is none, one leading `@word`.
    """
    text = inbound.text
    if "/" not in text:
        return ""
    spans = [one for one in inbound.mentions if names(one, own_id)]
    if spans:
        for one in sorted(spans, key=lambda span: span.start, reverse=True):
            start = max(one.start, 0)
            text = text[:start] + text[max(one.start + one.length, start) :]
    else:
        text = _AT_WORD.sub("", text, count=1) if _AT_WORD.match(text) else text
    word = text.strip()
    return word.lower() if len(word) <= _LONGEST and word.lower() in COMMANDS else ""


def as_one(parts: Sequence[Inbound], own_id: str) -> Inbound:
    """The parts of an album as the message that is decided: what counts in any caption counts for all.

    A command stands for the whole text, also where another part has a caption.
    """
    whole = merged(parts)
    for part in parts:
        if command_in(part, own_id):
            return replace(whole, text=part.text, mentions=part.mentions)
    return whole


def may_command(sender_id: str, policy: Policy, grants: Grants) -> bool:
    """Whether a sender may use control commands in groups. In direct messages everybody admitted may."""
    lists = (policy.group_allow, policy.allow, policy.owners)
    return any(listed is not None and listed.holds(sender_id, grants.pins) for listed in lists)


PAIRING_STORE = "pairing store"


def decide_dm(sender_id: str, policy: Policy, grants: Grants, trail: tuple[str, ...] = ()) -> Decision:
    """The verdict on a direct message from `sender_id`.

    A challenge always comes as `dm_pairing_required`; `pairing.answer` says what it leads to.
    """
    if policy.dm is DmPolicy.DISABLED:
        return Decision(Outcome.DROP, Reason.DM_DISABLED, policy.dm_rule, trail)
    if policy.dm is DmPolicy.OPEN:
        return Decision(Outcome.ADMIT, Reason.DM_OPEN, policy.dm_rule, trail)
    if policy.allow.holds(sender_id, grants.pins):
        return Decision(Outcome.ADMIT, Reason.DM_ALLOWLISTED, policy.allow_rule, (*trail, "dm_policy"))
    if policy.dm is DmPolicy.ALLOWLIST:
        return Decision(Outcome.DROP, Reason.DM_NOT_ALLOWLISTED, policy.allow_rule, (*trail, "dm_policy"))
    if sender_id in grants.paired:
        return paired((*trail, "dm_policy"))
    return Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, policy.dm_rule, (*trail, "allow_from"))


def paired(trail: tuple[str, ...]) -> Decision:
    """The verdict on a sender whom the owner approved."""
    return Decision(Outcome.ADMIT, Reason.DM_PAIRED, Rule(PAIRING_STORE, PAIRING_STORE), trail)


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


_SELF, _OWN_ACCOUNTS = Rule("self"), Rule("own accounts")

_SENDER_ID, _CONTENT = Rule("sender id"), Rule("content")

_WHO = ("not_self", "not_own_account", "not_malformed_id", "not_empty")


def decide(inbound: Inbound, policy: Policy, grants: Grants, now_ms: int) -> Decision:
    """What to do with a message that this machine read at `now_ms`. Pure: the same arguments always give the
    same decision. How old the message is, the platform's clock decides (`Grants.age_ms`).

    Ask `ready` first: an account that does not know its id or its pins yet decides worse than it could.
    """
    decision = _decide(inbound, policy, grants, grants.age_ms(inbound, now_ms))
    return replace(decision, revision=policy.revision)


def _decide(inbound: Inbound, policy: Policy, grants: Grants, age_ms: int) -> Decision:
    stopped = _before_the_tables(inbound, grants)
    if stopped is not None:
        return stopped
    in_group = inbound.thread.kind is ThreadKind.GROUP
    if age_ms > policy.backlog_max_age_ms:
        return _too_old(inbound, policy, grants, in_group)
    trail = (*_WHO, "not_too_old")
    if in_group:
        return _decide_group(inbound, policy, grants, trail)
    return _with_command(decide_dm(inbound.sender_id, policy, grants, trail), inbound, policy, grants)


def decide_again(inbound: Inbound, policy: Policy, grants: Grants) -> Decision | None:
    """The second decision, just before a turn starts, if it closes the door; None lets the turn run.

    It was young enough when it was read. Its age is not judged again: clocks may have been set since.
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
    came = LIVE if inbound.live else FETCHED
    decision = _drop(Reason.TOO_OLD, policy.backlog_rule, (*_WHO, came))
    if not in_group:
        return decision
    entered = enter(inbound, policy, grants, decision.trail)
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
    asked = mention_rule(entered.entry, inbound.thread.id, policy)
    sign = recognised(inbound, policy, grants)
    if sign is None and command and not inbound.mentions:
        sign = Recognised.COMMAND
    if sign is None and (entered.entry is None or entered.entry.require_mention):
        if not detectable(policy, grants):
            return _drop(Reason.MENTION_UNDETECTABLE, policy.mention_patterns_rule, entered.trail)
        keep = policy.history_limit > 0
        return Decision(Outcome.PEND, Reason.MENTION_REQUIRED, asked, entered.trail, keep_as_history=keep)
    written = () if asked.line is None else (f"{ASKED_GATE}{asked.path} (line {asked.line})",)
    trail = (*entered.trail, *written, f"{MENTION_GATE}{sign or 'not_needed'}")
    door = opened_by(entered.entry, policy, mentioned=sign is not None)
    return Decision(Outcome.ADMIT, Reason.GROUP_ADMITTED, door, trail, command)
