"""What the store hands out and takes in: states, and the values of its transitions. No rows leave it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.decision import Decision
from clawlane.config.policy import PairingReply
from clawlane.messages import Inbound, Outgoing


class TurnState(StrEnum):
    """Where a turn stands.

    The first four are open; a held one waits for somebody to say what became of a chunk.
    """

    WAITING = "waiting"
    RUNNING = "running"
    REPLIED = "replied"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    REVOKED = "revoked"
    RECALLED = "recalled"


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


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message on its way into the store, what was decided about it, and the account's way of pairing."""

    inbound: Inbound
    decision: Decision
    pairing_reply: PairingReply
    read_ms: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that is in the store. When it was there before, `fresh` is false and nothing follows.

    `decision` is the recorded one: a challenge has become one of the pairing reasons.
    """

    seq: int
    inbound: Inbound
    decision: Decision
    read_ms: int
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A turn that a restart finds unfinished."""

    seq: int
    inbound: Inbound
    read_ms: int
    state: TurnState


@dataclass(frozen=True, slots=True)
class Chunk:
    """One outgoing message, taken for sending. `turn` is None for a challenge. `attempts` counts this one."""

    id: int
    turn: int | None
    out: Outgoing
    attempts: int


@dataclass(frozen=True, slots=True)
class Take:
    """What the sender has to do: a chunk, or nothing until `due_ms` (None: until something new comes)."""

    chunk: Chunk | None
    due_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """A stranger who waits for the owner. `reason` is the pairing reason of the last message."""

    account: str
    sender_id: str
    sender_name: str
    code: str
    reason: str
    created_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Approved:
    """A sender whom the owner let in, on one account."""

    account: str
    sender_id: str
    sender_name: str
    approved_ms: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What one account did so far: decisions per reason, open chunks per state, times in milliseconds."""

    counters: dict[str, int]
    outbox: dict[str, int]
    last_inbound_ms: int | None
    last_outbound_ms: int | None
