"""What became of a message that was sent, and why, in words."""

from __future__ import annotations

from clawlane.store.states import ChunkState
from clawlane.texts import later, t
from clawlane.words.holds import hold_words

STATES = {
    ChunkState.QUEUED: later("queued"),
    ChunkState.SENDING: later("sending"),
    ChunkState.UNKNOWN: later("unknown"),
    ChunkState.HELD: later("held"),
    ChunkState.SENT: later("sent"),
    ChunkState.REFUSED: later("refused"),
    ChunkState.CANCELLED: later("cancelled"),
    ChunkState.EXPIRED: later("expired"),
}
"""Where a message of the outbox stands."""

SEND_STATES = {
    ChunkState.QUEUED: later("waits"),
    ChunkState.SENDING: later("is on its way"),
    ChunkState.HELD: later("waits behind a message whose delivery is unknown"),
    ChunkState.SENT: later("arrived"),
    ChunkState.REFUSED: later("was refused"),
    ChunkState.CANCELLED: later("was not sent"),
    ChunkState.EXPIRED: later("was not sent: too late"),
    ChunkState.UNKNOWN: later("may or may not have arrived"),
}
"""Said by `t`."""

_HELD = "held: "
"""What stands before the rule that holds a message."""

REASONS = (
    later("a pause made it older than backlogMaxAge"),
    later("agent_interrupted: the gateway ended while the agent was at work; it is not asked again"),
    later("an earlier part was refused"),
    later("deleted by the account's owner"),
    later("dropped by the operator"),
    later("forgotten at the owner's wish"),
    later("it was sent by an earlier login, whose messages the platform does not tell"),
    later("its text was forgotten"),
    later("its turn was stopped"),
    later("nothing showed whether it arrived"),
    later("recalled by its author"),
    later("sending again is switched off (openclaw channels capabilities)"),
    later("stopped between sending and the answer"),
    later("taken back by the operator before it left"),
    later("taking messages back is switched off: openclaw channels capabilities"),
    later("the account may no longer write there"),
    later("the gateway crashed while it was answered, and that was the last try"),
    later("the platform does not have it"),
    later("the platform does not tell whether it has it"),
    later("the sender is no longer admitted"),
    later("the sender is no longer sent a code"),
)
"""Reasons of our own, as the store keeps them; those of a platform stay as it gave them."""


def reason_words(reason: str) -> str:
    """Why a message stands where it does: a reason that may have several parts, in the language in force."""
    if reason.startswith(_HELD):
        return t("held: {rule}", rule=hold_words(reason.removeprefix(_HELD)))
    said = t(reason)
    return said if said != reason else "; ".join(map(t, reason.split("; ")))
