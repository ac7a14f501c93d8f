"""Own messages that were taken back: what they said leaves the outbox and what agents remember."""

from __future__ import annotations

from clawlane.store import receipts, sessions
from clawlane.store.codec import NO_TEXT, message_ids, thread_of, words_in
from clawlane.store.rows import change
from clawlane.store.sql import Row
from clawlane.store.transaction import Tx

TAKEN_BACK = "taken back"
"""The reason of a chunk that arrived and that others do not see any more."""


def forget(tx: Tx, message_id: str) -> None:
    """Others do not see this message any more.

    One picture of an album leaves the others as they are; the album is forgotten with the last one.
    """
    own = receipts.find(tx.db, tx.account, message_id)
    if own is None or own.taken_back:
        return
    change(tx, "receipts", {"message_id": own.message_id}, taken_back=True)
    query = "SELECT * FROM outbox WHERE account = ? AND id = ?"
    chunk: Row = tx.db.execute(query, (tx.account, own.chunk)).fetchone()
    if is_taken_back(chunk) or not chunk["body"] or _others_see(tx, chunk):
        return
    words = words_in(chunk["body"])
    change(tx, "outbox", {"id": own.chunk}, body=NO_TEXT, reason=TAKEN_BACK)
    turn = chunk["by_turn"] if chunk["turn"] is None else chunk["turn"]
    sessions.taken_back(tx, thread_of(chunk), turn, words)
    tx.scrub()


def is_taken_back(chunk: Row) -> bool:
    """Whether others do not see a chunk any more that arrived."""
    return bool(chunk["reason"] == TAKEN_BACK)


def _others_see(tx: Tx, chunk: Row) -> bool:
    """Whether something of a chunk is still there, or may be: the ids of some pictures may not be known."""
    ids = message_ids(chunk["receipt"])
    found = (receipts.find(tx.db, tx.account, id_) for id_ in ids)
    gone = sum(own is not None and own.taken_back for own in found)
    return bool(chunk["messages"] > 1 and gone < chunk["messages"])
