"""The ids under which others see what the account sent, and the chunk that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Receipt, Thread
from clawlane.store.codec import storable, thread_of
from clawlane.store.sql import Database, Row
from clawlane.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """A message of the account. `client_id` is the id under which it was sent, `chunk` its outbox number.

    `taken_back` says that others do not see it any more.
    """

    message_id: str
    client_id: str
    thread: Thread
    chunk: int
    taken_back: bool


def keep(tx: Tx, chunk: Row, receipt: Receipt) -> None:
    """Keep the ids of a chunk that arrived, from a whole row. Empty ones are not known, and left out."""
    tx.db.executemany(
        "INSERT INTO receipts (account, message_id, at_ms, thread_kind, session, chunk, client_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (tx.account, id_, tx.now_ms, chunk["thread_kind"], chunk["session"], chunk["id"], client_id)
            for id_, client_id in zip(receipt.message_ids, _client_ids(chunk, receipt), strict=True)
            if id_
        ],
    )


def _client_ids(chunk: Row, receipt: Receipt) -> list[str]:
    """Each picture of an album counts on from the chunk's own id."""
    if receipt.client_ids:
        return list(receipt.client_ids)
    first = chunk["client_id"]
    return [str(int(first) + place) if place else first for place in range(len(receipt.message_ids))]


def find(db: Database, account: str, message_id: str) -> OwnMessage | None:
    """The message of an account with this id, as long as its chunk is kept."""
    row = db.execute(
        "SELECT message_id, receipts.client_id, chunk, taken_back, outbox.thread_kind, thread_id"
        " FROM receipts JOIN outbox ON outbox.account = receipts.account AND outbox.id = receipts.chunk"
        " WHERE receipts.account = ? AND message_id = ?",
        (account, storable(message_id)),
    ).fetchone()
    if row is None:
        return None
    ids = (row["message_id"], row["client_id"])
    return OwnMessage(*ids, thread_of(row), row["chunk"], taken_back=bool(row["taken_back"]))
