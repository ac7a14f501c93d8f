"""Transitions of the outbox.

A chunk is a row before it is sent; what became of it is written once it is known.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from clawlane.messages import Outgoing, Receipt
from clawlane.store import history
from clawlane.store.codec import text_body, text_of
from clawlane.store.records import Chunk, ChunkState, Take, TurnState


def queue(
    connection: sqlite3.Connection, account: str, turn: int | None, outs: Iterable[Outgoing], now_ms: int
) -> list[int]:
    """Write chunks in order, each with a client id: milliseconds, strictly rising over the account.

    Gives row ids.
    """
    row = connection.execute("SELECT last_client_id FROM accounts WHERE account = ?", (account,)).fetchone()
    last = row["last_client_id"] if row else 0
    ids = []
    for out in outs:
        last = max(last + 1, now_ms)
        values = (account, out.thread.kind, out.thread.id, turn, str(last), text_body(out), now_ms, now_ms)
        cursor = connection.execute(
            "INSERT INTO outbox"
            " (account, thread_kind, thread_id, turn, client_id, body, state, created_ms, due_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
            values,
        )
        ids.append(int(cursor.lastrowid or 0))
    connection.execute(
        "INSERT INTO accounts (account, last_client_id) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_client_id = excluded.last_client_id",
        (account, last),
    )
    return ids


def take(connection: sqlite3.Connection, account: str, now_ms: int) -> Take:
    """The next chunk that may go, marked as `sending`. Only the first open one of a thread may go."""
    connection.execute(
        "UPDATE outbox SET state = 'expired', settled_ms = ? WHERE account = ? AND state = 'queued'"
        " AND settled_ms IS NULL AND expires_ms <= ?",
        (now_ms, account, now_ms),
    )
    row = connection.execute(
        "SELECT * FROM outbox AS chunk WHERE account = ? AND state = 'queued' AND settled_ms IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.account = chunk.account"
        "  AND earlier.thread_kind = chunk.thread_kind AND earlier.thread_id = chunk.thread_id"
        "  AND earlier.settled_ms IS NULL AND earlier.id < chunk.id"
        "  AND earlier.state IN ('queued', 'sending'))"
        " ORDER BY due_ms, id LIMIT 1",
        (account,),
    ).fetchone()
    if row is None:
        return Take(None)
    if row["due_ms"] > now_ms:
        return Take(None, row["due_ms"])
    connection.execute(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?", (row["id"],)
    )
    return Take(Chunk(row["id"], row["turn"], text_of(row), row["attempts"] + 1))


def sent(connection: sqlite3.Connection, chunk_id: int, receipt: Receipt, now_ms: int) -> int | None:
    """It arrived. Gives the turn that this settled, if any."""
    row = connection.execute(
        "UPDATE outbox SET state = 'sent', receipt = ?, settled_ms = ?, reason = ''"
        " WHERE id = ? AND settled_ms IS NULL RETURNING turn, account",
        (json.dumps(receipt.message_ids), now_ms, chunk_id),
    ).fetchone()
    if row is None:
        return None
    connection.executemany(
        "INSERT OR IGNORE INTO receipts VALUES (?, ?)", [(row["account"], one) for one in receipt.message_ids]
    )
    connection.execute("UPDATE accounts SET last_outbound_ms = ? WHERE account = ?", (now_ms, row["account"]))
    return _settle(connection, row["turn"], now_ms)


def refused(connection: sqlite3.Connection, chunk_id: int, reason: str, now_ms: int) -> int | None:
    """The platform said no: the rest of the reply is not sent. Gives the turn that this settled."""
    turn = _close(connection, chunk_id, ChunkState.REFUSED, reason, now_ms)
    if turn is None:
        return None
    connection.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = 'an earlier part was refused'"
        " WHERE turn = ? AND settled_ms IS NULL",
        (now_ms, turn),
    )
    connection.execute("UPDATE turns SET reason = ? WHERE message = ?", (reason, turn))
    return _settle(connection, turn, now_ms)


def unknown(connection: sqlite3.Connection, chunk_id: int, reason: str, now_ms: int) -> int | None:
    """Nobody knows whether it arrived, unless the account saw it itself: the rest of the reply is held.

    Gives the turn whose lane may go on.
    """
    row = connection.execute("SELECT turn, echo FROM outbox WHERE id = ?", (chunk_id,)).fetchone()
    if row["echo"]:
        return sent(connection, chunk_id, Receipt((row["echo"],)), now_ms)
    connection.execute("UPDATE outbox SET state = 'unknown', reason = ? WHERE id = ?", (reason, chunk_id))
    turn: int | None = row["turn"]
    if turn is not None:
        connection.execute("UPDATE outbox SET state = 'held' WHERE turn = ? AND state = 'queued'", (turn,))
        _mark(connection, turn, TurnState.HELD, reason)
    return turn


def retry(connection: sqlite3.Connection, chunk_id: int, reason: str, due_ms: int) -> None:
    """It did not leave: it may be tried again at `due_ms`."""
    connection.execute(
        "UPDATE outbox SET state = 'queued', reason = ?, due_ms = ? WHERE id = ? AND state = 'sending'",
        (reason, due_ms, chunk_id),
    )


def echo(
    connection: sqlite3.Connection, account: str, client_id: str, message_id: str, now_ms: int
) -> int | None:
    """The account saw a message of its own: a chunk of unknown fate has arrived.

    Gives the turn that this settled.
    """
    row = connection.execute(
        "SELECT id, turn, state FROM outbox WHERE account = ? AND client_id = ? AND settled_ms IS NULL",
        (account, client_id),
    ).fetchone()
    if row is None:
        return None
    if row["state"] == ChunkState.SENDING:
        connection.execute("UPDATE outbox SET echo = ? WHERE id = ?", (message_id, row["id"]))
        return None
    if row["turn"] is not None:
        connection.execute(
            "UPDATE outbox SET state = 'queued' WHERE turn = ? AND state = 'held'", (row["turn"],)
        )
        _mark(connection, row["turn"], TurnState.REPLIED, "")
    return sent(connection, row["id"], Receipt((message_id,)), now_ms)


def recover(connection: sqlite3.Connection, account: str, now_ms: int) -> int:
    """After a stop in the middle: what was being sent is of unknown fate. Gives how many chunks that were."""
    rows = connection.execute(
        "SELECT id FROM outbox WHERE account = ? AND state = 'sending' AND settled_ms IS NULL", (account,)
    ).fetchall()
    for row in rows:
        unknown(connection, row["id"], "stopped between sending and the answer", now_ms)
    return len(rows)


def _close(
    connection: sqlite3.Connection, chunk_id: int, state: ChunkState, reason: str, now_ms: int
) -> int | None:
    row = connection.execute(
        "UPDATE outbox SET state = ?, reason = ?, settled_ms = ? WHERE id = ?"
        " AND settled_ms IS NULL RETURNING turn",
        (state, reason, now_ms, chunk_id),
    ).fetchone()
    return row["turn"] if row else None


def _settle(connection: sqlite3.Connection, turn: int | None, now_ms: int) -> int | None:
    """Finish the turn when this was its last open chunk; the history that it used goes with it."""
    if turn is None:
        return None
    cursor = connection.execute(
        "UPDATE turns SET state = 'done', settled_ms = ? WHERE message = ? AND settled_ms IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE turn = ? AND settled_ms IS NULL)",
        (now_ms, turn, turn),
    )
    if not cursor.rowcount:
        return None
    history.consume(connection, turn)
    return turn


def is_receipt(connection: sqlite3.Connection, account: str, message_id: str) -> bool:
    """Whether the account sent the message of this id."""
    query = "SELECT 1 FROM receipts WHERE account = ? AND message_id = ?"
    return connection.execute(query, (account, message_id)).fetchone() is not None


def _mark(connection: sqlite3.Connection, turn: int, state: TurnState, reason: str) -> None:
    connection.execute(
        "UPDATE turns SET state = ?, reason = ? WHERE message = ? AND settled_ms IS NULL",
        (state, reason, turn),
    )
