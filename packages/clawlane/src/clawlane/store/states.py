"""The states of turns and of chunks."""

from __future__ import annotations

from enum import StrEnum


class TurnState(StrEnum):
    """Where a turn stands.

    The first four are open; one that needs a decision waits for somebody to say what became of a chunk. A
    failed one did not get its whole reply out, a dead one was set aside after too many tries. A drafted one
    is over for its lane, and goes on if its draft is approved; where it is dropped, nobody is answered.
    """

    WAITING = "waiting"
    RUNNING = "running"
    REPLIED = "replied"
    NEEDS_DECISION = "needs_decision"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    STOPPED = "stopped"
    TAKEN_OVER = "taken_over"
    REVOKED = "revoked"
    RECALLED = "recalled"
    EXPIRED = "expired"
    DRAFTED = "drafted"
    DROPPED = "dropped"


class ChunkState(StrEnum):
    """Where a chunk stands.

    The first four are open; `held` waits behind an unknown chunk of the same reply.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"
    SENT = "sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class DraftState(StrEnum):
    """Where a draft stands. One that is waiting or expired can still be approved, the latter once revived."""

    WAITING = "waiting"
    EXPIRED = "expired"
    APPROVED = "approved"
    DROPPED = "dropped"
