"""Which message of a thread a reaction is about, by the ids that a platform wants for it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store.codec import storable
from clawlane.store.transaction import Tx

_AMONG = 2000
"""Among how many chunks, the newest of the account, a message of its own is looked for."""


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
    client_id = row["client_id"] if row else _own(tx, thread, message_id)
    return None if client_id is None else ReactionTarget(message_id, client_id)


def _own(tx: Tx, thread: Thread, message_id: str) -> str | None:
    """The client id of a message that the account sent."""
    rows = tx.db.execute(
        "SELECT client_id, receipt FROM (SELECT * FROM outbox WHERE account = ? ORDER BY id DESC LIMIT ?)"
        " AS own WHERE state = 'sent' AND receipt IS NOT NULL AND thread_kind = ? AND thread_id = ?",
        (tx.account, _AMONG, thread.kind, thread.id),
    )
    return next((row["client_id"] for row in rows if message_id in json.loads(row["receipt"])), None)
