"""When messages can be decided: just after a start, the own id and the pins are not known yet."""

from __future__ import annotations

from clawlane.access.policy import Grants, Policy

PATIENCE_MS = 20_000


def ready(policy: Policy, grants: Grants, waited_ms: int = 0) -> bool:
    """Whether messages can be decided now; until then they are stored undecided.

    True once the own id is known and every name of the config had its first look-up, at the latest when the
    account has waited for 20 s since it started. It stays true; whoever asks may remember that.
    """
    if waited_ms >= PATIENCE_MS:
        return True
    return bool(grants.own_id) and grants.pins.looked_up(policy.names())
