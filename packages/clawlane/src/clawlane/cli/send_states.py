"""What became of a message that was sent, in words."""

from __future__ import annotations

from clawlane.store.states import ChunkState
from clawlane.texts import later

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
