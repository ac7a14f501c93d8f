"""Who may write to the account directly."""

from __future__ import annotations

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.policy import Grants, Policy
from clawlane.config.policy import DmPolicy

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
