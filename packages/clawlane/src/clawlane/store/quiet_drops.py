"""What quiet hours drop: the chunk, what else its reply has to send, and the turn with it."""

from __future__ import annotations

from clawlane.store.outbox import cancel_rest
from clawlane.store.rows import change
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.transaction import Tx
from clawlane.store.turns import end_reply

REASON = "quiet_hours"


def drop(tx: Tx, chunk_id: int) -> int | None:
    """Cancel a queued chunk and the rest of its text, as for a turn that is stopped. Gives the turn.

    What a tool sends costs nothing but itself: its turn goes on.
    """
    row = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND id = ? AND state = 'queued' AND settled_ms IS NULL",
        (tx.account, chunk_id),
    ).fetchone()
    if row is None:
        return None
    if row["turn"] is not None:
        end_reply(tx, row["turn"], TurnState.STOPPED, REASON)
        return int(row["turn"])
    values = {"settled_ms": tx.now_ms, "held_until_ms": None, "reason": REASON}
    change(tx, "outbox", {"id": chunk_id}, state=ChunkState.CANCELLED, **values)
    cancel_rest(tx, row, REASON)
    return None
