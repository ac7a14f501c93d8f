"""What became of a message that was sent, in words."""

from __future__ import annotations

from clawlane.store.states import ChunkState

SEND_STATES = {
    ChunkState.QUEUED: "waits",
    ChunkState.SENDING: "is on its way",
    ChunkState.HELD: "waits behind a message whose delivery is unknown",
    ChunkState.SENT: "arrived",
    ChunkState.REFUSED: "was refused",
    ChunkState.CANCELLED: "was not sent",
    ChunkState.EXPIRED: "was not sent: too late",
    ChunkState.UNKNOWN: "may or may not have arrived",
}
