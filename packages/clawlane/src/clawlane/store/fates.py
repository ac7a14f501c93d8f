"""Transitions of chunks that nobody answered for: seen after all, absent, or settled by the operator."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from clawlane.messages import Receipt, ThreadKind
from clawlane.store.errors import NotInOutbox
from clawlane.store.outbox import cancel, mark, sent, settle, unknown
from clawlane.store.parts import told
from clawlane.store.records import ChunkState, TurnState
from clawlane.store.transaction import Tx

SKEW_MS = 60_000
"""How far the clock of the platform may be from ours, where times of both are compared."""

_GRACE_MS = 10_000
"""A request that was cut off may still be carried out so long after it left."""

_OPEN = (ChunkState.QUEUED, ChunkState.HELD, ChunkState.UNKNOWN)


def recover(tx: Tx) -> int:
    """After a stop in the middle: what was being sent is of unknown fate. Gives how many chunks that were."""
    rows = tx.db.execute(
        "SELECT id FROM outbox WHERE account = ? AND state = 'sending' AND settled_ms IS NULL",
        (tx.account,),
    ).fetchall()
    for row in rows:
        unknown(tx, row["id"], "stopped between sending and the answer")
    return len(rows)


def echo(tx: Tx, client_id: str, message_id: str) -> int | None:
    """The account saw a message of its own: a chunk of unknown fate has arrived.

    Gives the turn that this settled.
    """
    row = tx.db.execute(
        "SELECT id, turn, state FROM outbox WHERE account = ? AND client_id = ? AND settled_ms IS NULL",
        (tx.account, client_id),
    ).fetchone()
    if row is None:
        return None
    if row["state"] == ChunkState.SENDING:
        tx.db.execute(
            "UPDATE outbox SET echo = ? WHERE account = ? AND id = ?", (message_id, tx.account, row["id"])
        )
        return None
    return _arrived(tx, row, Receipt((message_id,)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A look-up: the own messages of a kind that the platform had at `at_ms`, back to `back_to_ms`."""

    kind: ThreadKind
    back_to_ms: int
    at_ms: int


def absent(tx: Tx, asked: Asked, *, resend: bool) -> int:
    """All that a look-up found was seen: what left before it and is still unknown is not there.

    With `resend` it is queued again, as far as the look-up reached; else it is noted as looked up. Gives how
    many chunks are queued.
    """
    rows = tx.db.execute(
        "SELECT outbox.*, coalesce(messages.sent_ms, created_ms - ?) AS since_ms FROM outbox"
        " LEFT JOIN messages ON messages.account = outbox.account AND messages.seq = outbox.turn"
        " WHERE outbox.account = ? AND outbox.thread_kind = ? AND outbox.state = 'unknown'"
        " AND settled_ms IS NULL AND looked_up_ms IS NULL AND outbox.sent_ms < ? ORDER BY id",
        (SKEW_MS, tx.account, asked.kind, asked.at_ms),
    ).fetchall()
    again = 0
    for row in rows:
        # A reply is newer than what it answers, by the platform's own clock.
        reached = row["since_ms"] >= asked.back_to_ms
        if resend and reached:
            _again(tx, row, max(tx.now_ms, row["sent_ms"] + _GRACE_MS))
            again += 1
        else:
            _looked_up(tx, row, reached)
    return again


def resend(tx: Tx, chunk_id: int) -> None:
    """The operator says that a chunk of unknown fate did not arrive: it is sent again, and the rest follows.

    Raises `NotInOutbox`.
    """
    row = _of_operator(tx, chunk_id, (ChunkState.UNKNOWN,), "sent again")
    _again(tx, row, tx.now_ms)


def arrived(tx: Tx, chunk_id: int) -> int | None:
    """The operator saw a chunk of unknown fate arrive: the rest of its reply follows.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    row = _of_operator(tx, chunk_id, (ChunkState.UNKNOWN,), "taken as arrived")
    return _arrived(tx, row, Receipt(()))


def drop(tx: Tx, chunk_id: int) -> int | None:
    """The operator gives a chunk up, and what follows it in its reply.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    row = _of_operator(tx, chunk_id, _OPEN, "dropped")
    reason = "dropped by the operator"
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ? WHERE account = ? AND id = ?",
        (tx.now_ms, reason, tx.account, chunk_id),
    )
    if row["turn"] is None:
        return None
    cancel(tx, row["turn"], chunk_id, reason)
    return settle(tx, row["turn"])


def _of_operator(tx: Tx, chunk_id: int, states: tuple[ChunkState, ...], what: str) -> sqlite3.Row:
    row: sqlite3.Row | None = tx.db.execute(
        "SELECT * FROM outbox WHERE id = ? AND account = ?", (chunk_id, tx.account)
    ).fetchone()
    if row is None:
        raise NotInOutbox(f"the outbox of {tx.account} has no message {chunk_id}; see: openclaw outbox list")
    if row["state"] not in states or row["settled_ms"] is not None:
        raise NotInOutbox(
            f"message {chunk_id} is {row['state']}: it cannot be {what}; see: openclaw outbox list"
        )
    return row


def _arrived(tx: Tx, row: sqlite3.Row, receipt: Receipt) -> int | None:
    _release(tx, row["turn"])
    return sent(tx, row["id"], receipt)


def _again(tx: Tx, row: sqlite3.Row, due_ms: int) -> None:
    tx.db.execute(
        "UPDATE outbox SET state = 'queued', reason = '', due_ms = ?, looked_up_ms = NULL"
        " WHERE account = ? AND id = ?",
        (due_ms, tx.account, row["id"]),
    )
    _release(tx, row["turn"])


def _release(tx: Tx, turn: int | None) -> None:
    """What waited behind a chunk of unknown fate may go."""
    if turn is not None:
        tx.db.execute(
            "UPDATE outbox SET state = 'queued' WHERE account = ? AND turn = ? AND state = 'held'",
            (tx.account, turn),
        )
        mark(tx, turn, TurnState.REPLIED, "")


def _looked_up(tx: Tx, row: sqlite3.Row, reached: bool) -> None:
    found = "the platform does not have it" if reached else "the platform does not tell any more"
    reason = f"{row['reason']}; {found}"
    tx.db.execute(
        "UPDATE outbox SET looked_up_ms = ?, reason = ? WHERE account = ? AND id = ?",
        (tx.now_ms, reason, tx.account, row["id"]),
    )
    if row["turn"] is not None:
        mark(tx, row["turn"], TurnState.NEEDS_DECISION, told(tx, row["turn"]))
