"""Transitions of chunks that nobody answered for: seen after all, absent, or settled by the operator."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from clawlane.messages import Receipt, ThreadKind
from clawlane.store.errors import NotInOutbox
from clawlane.store.outbox import cancel, mark, sent, settle, unknown
from clawlane.store.parts import told
from clawlane.store.records import ChunkState, TurnState

SKEW_MS = 60_000
"""How far the clock of the platform may be from ours, where times of both are compared."""

_GRACE_MS = 10_000
"""A request that was cut off may still be carried out so long after it left."""

_OPEN = (ChunkState.QUEUED, ChunkState.HELD, ChunkState.UNKNOWN)


def recover(connection: sqlite3.Connection, account: str, now_ms: int) -> int:
    """After a stop in the middle: what was being sent is of unknown fate. Gives how many chunks that were."""
    rows = connection.execute(
        "SELECT id FROM outbox WHERE account = ? AND state = 'sending' AND settled_ms IS NULL", (account,)
    ).fetchall()
    for row in rows:
        unknown(connection, row["id"], "stopped between sending and the answer", now_ms)
    return len(rows)


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
    return _arrived(connection, row, Receipt((message_id,)), now_ms)


@dataclass(frozen=True, slots=True)
class Asked:
    """A look-up: the own messages of a kind that the platform had at `at_ms`, back to `back_to_ms`."""

    kind: ThreadKind
    back_to_ms: int
    at_ms: int


def absent(connection: sqlite3.Connection, account: str, asked: Asked, now_ms: int, *, resend: bool) -> int:
    """All that a look-up found was seen: what left before it and is still unknown is not there.

    With `resend` it is queued again, as far as the look-up reached; else it is noted as looked up. Gives how
    many chunks are queued.
    """
    rows = connection.execute(
        "SELECT outbox.*, coalesce(messages.sent_ms, created_ms - ?) AS since_ms FROM outbox"
        " LEFT JOIN messages ON messages.seq = outbox.turn"
        " WHERE outbox.account = ? AND outbox.thread_kind = ? AND outbox.state = 'unknown'"
        " AND settled_ms IS NULL AND looked_up_ms IS NULL AND outbox.sent_ms < ? ORDER BY id",
        (SKEW_MS, account, asked.kind, asked.at_ms),
    ).fetchall()
    again = 0
    for row in rows:
        # A reply is newer than what it answers, by the platform's own clock.
        reached = row["since_ms"] >= asked.back_to_ms
        if resend and reached:
            _again(connection, row, max(now_ms, row["sent_ms"] + _GRACE_MS))
            again += 1
        else:
            _looked_up(connection, row, reached, now_ms)
    return again


def resend(connection: sqlite3.Connection, account: str, chunk_id: int, now_ms: int) -> None:
    """The operator says that a chunk of unknown fate did not arrive: it is sent again, and the rest follows.

    Raises `NotInOutbox`.
    """
    row = _of_operator(connection, account, chunk_id, (ChunkState.UNKNOWN,), "sent again")
    _again(connection, row, now_ms)


def arrived(connection: sqlite3.Connection, account: str, chunk_id: int, now_ms: int) -> int | None:
    """The operator saw a chunk of unknown fate arrive: the rest of its reply follows.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    row = _of_operator(connection, account, chunk_id, (ChunkState.UNKNOWN,), "taken as arrived")
    return _arrived(connection, row, Receipt(()), now_ms)


def drop(connection: sqlite3.Connection, account: str, chunk_id: int, now_ms: int) -> int | None:
    """The operator gives a chunk up, and what follows it in its reply.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    row = _of_operator(connection, account, chunk_id, _OPEN, "dropped")
    reason = "dropped by the operator"
    connection.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ? WHERE id = ?",
        (now_ms, reason, chunk_id),
    )
    if row["turn"] is None:
        return None
    cancel(connection, row["turn"], chunk_id, reason, now_ms)
    return settle(connection, row["turn"], now_ms)


def _of_operator(
    connection: sqlite3.Connection, account: str, chunk_id: int, states: tuple[ChunkState, ...], what: str
) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM outbox WHERE id = ? AND account = ?", (chunk_id, account)
    ).fetchone()
    if row is None:
        raise NotInOutbox(f"the outbox of {account} has no message {chunk_id}; see: openclaw outbox list")
    if row["state"] not in states:
        raise NotInOutbox(
            f"message {chunk_id} is {row['state']}: it cannot be {what}; see: openclaw outbox list"
        )
    return row


def _arrived(connection: sqlite3.Connection, row: sqlite3.Row, receipt: Receipt, now_ms: int) -> int | None:
    _release(connection, row["turn"])
    return sent(connection, row["id"], receipt, now_ms)


def _again(connection: sqlite3.Connection, row: sqlite3.Row, due_ms: int) -> None:
    connection.execute(
        "UPDATE outbox SET state = 'queued', reason = '', due_ms = ?, looked_up_ms = NULL WHERE id = ?",
        (due_ms, row["id"]),
    )
    _release(connection, row["turn"])


def _release(connection: sqlite3.Connection, turn: int | None) -> None:
    """What waited behind a chunk of unknown fate may go."""
    if turn is not None:
        connection.execute("UPDATE outbox SET state = 'queued' WHERE turn = ? AND state = 'held'", (turn,))
        mark(connection, turn, TurnState.REPLIED, "")


def _looked_up(connection: sqlite3.Connection, row: sqlite3.Row, reached: bool, now_ms: int) -> None:
    found = "the platform does not have it" if reached else "the platform does not tell any more"
    reason = f"{row['reason']}; {found}"
    connection.execute(
        "UPDATE outbox SET looked_up_ms = ?, reason = ? WHERE id = ?", (now_ms, reason, row["id"])
    )
    if row["turn"] is not None:
        mark(connection, row["turn"], TurnState.NEEDS_DECISION, told(connection, row["turn"]))
