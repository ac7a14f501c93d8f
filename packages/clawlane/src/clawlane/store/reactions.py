"""Which message of a thread a reaction is about, by the ids that a platform wants for it."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store import receipts
from clawlane.store.codec import storable
from clawlane.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class ReactionTarget:
    """The platform's id of a message, and that of the device it was sent from; empty if it is unknown."""

    message_id: str
    client_id: str


def target(tx: Tx, thread: Thread, message_id: str) -> ReactionTarget | None:
    """The message of a thread with this id, by anybody; None if the thread has none, or it was recalled."""
    place = (tx.account, thread.kind, thread.id)
    row = tx.db.execute(
        "SELECT messages.client_id FROM aliases JOIN messages"
        "  ON messages.account = aliases.account AND messages.seq = aliases.message AND recalled = ''"
        " WHERE aliases.account = ? AND aliases.thread_kind = ? AND aliases.thread_id = ?"
        " AND aliases.id = ? AND aliases.kind = 'message' ORDER BY aliases.message DESC LIMIT 1",
        (*place, storable(message_id)),
    ).fetchone()
    if row is not None:
        return ReactionTarget(message_id, row["client_id"])
    own = receipts.find(tx.db, tx.account, message_id)
    return ReactionTarget(message_id, own.client_id) if own and own.thread == thread else None
