"""What the other side sees of a message once its decision is stored."""

from __future__ import annotations

from clawlane.access.acks import signals
from clawlane.access.decision import Decision
from clawlane.config.policy import Acks
from clawlane.messages import Delivered, Inbound, Seen, Signal


def after_decision(inbound: Inbound, decision: Decision, acks: Acks) -> list[Signal]:
    """What is shown at once; typing follows when the turn starts.

    Nothing of a message without a token: the platform did not say what it needs for that.
    """
    if not inbound.token:
        return []
    shown: list[Signal] = []
    wanted = signals(decision.outcome, acks)
    if wanted.delivered:
        shown.append(Delivered(inbound.thread, inbound.message_id, wanted.seen, inbound.token))
    if wanted.seen:
        shown.append(Seen(inbound.thread, inbound.message_id, inbound.token))
    return shown
