"""The verdict on a message: the checks before the tables, then the table of its kind of thread."""

from __future__ import annotations

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.dm import decide_dm
from clawlane.access.entries import well_formed
from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound, ThreadKind

BUILT_IN = "built-in"


def decide(inbound: Inbound, policy: Policy, grants: Grants, now_ms: int) -> Decision:
    """What to do with a message read at `now_ms`. Pure: the same arguments always give the same decision."""
    trail: list[str] = []
    gates = (
        (Reason.SELF, bool(grants.own_id) and inbound.sender_id == grants.own_id, _fixed("self")),
        (Reason.OWN_ACCOUNT, inbound.sender_id in grants.other_own_ids, _fixed("own accounts")),
        (Reason.MALFORMED_ID, not well_formed(inbound.sender_id), _fixed("sender id")),
        (Reason.EMPTY, _is_empty(inbound), _fixed("content")),
        (Reason.TOO_OLD, now_ms - inbound.sent_ms > policy.backlog_max_age_ms, policy.backlog_rule),
    )
    for reason, holds, rule in gates:
        if holds:
            return Decision(Outcome.DROP, reason, rule, tuple(trail))
        trail.append(f"not_{reason}")
    if inbound.thread.kind is ThreadKind.GROUP:
        return Decision(Outcome.DROP, Reason.GROUP_DISABLED, _fixed("groups"), tuple(trail))
    return decide_dm(inbound.sender_id, policy, grants, tuple(trail))


def _is_empty(inbound: Inbound) -> bool:
    return not (inbound.text.strip() or inbound.attachments or inbound.quote)


def _fixed(path: str) -> Rule:
    return Rule(path, BUILT_IN)
