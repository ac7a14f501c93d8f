"""Transitions of pending history: what a group said that was not for the account, until a turn used it."""

from __future__ import annotations

import sqlite3

from clawlane.messages import Inbound, ThreadKind
from clawlane.store.codec import inbound_of
from clawlane.store.records import Context


def keep(connection: sqlite3.Connection, account: str, seq: int, inbound: Inbound, limit: int) -> None:
    """Remember a stored message of a group, and of that group only the newest `limit`."""
    connection.execute("INSERT INTO history VALUES (?, ?, ?)", (seq, account, inbound.thread.id))
    rows = connection.execute(
        "SELECT message FROM history WHERE account = ? AND thread_id = ?"
        " ORDER BY message DESC LIMIT -1 OFFSET ?",
        (account, inbound.thread.id, limit),
    ).fetchall()
    _remove(connection, [row["message"] for row in rows])


def give(connection: sqlite3.Connection, account: str, turn: int, context: Context) -> tuple[Inbound, ...]:
    """What goes with a turn that starts: what its group said before it, in order, noted as given."""
    thread = connection.execute(
        "SELECT thread_kind, thread_id FROM messages WHERE seq = ?", (turn,)
    ).fetchone()
    if thread["thread_kind"] != ThreadKind.GROUP or context is Context.LEAVE:
        return ()
    rows = connection.execute(
        "SELECT messages.* FROM history JOIN messages ON messages.seq = history.message"
        " WHERE history.account = ? AND history.thread_id = ? AND history.message < ? ORDER BY message",
        (account, thread["thread_id"], turn),
    ).fetchall()
    if context is Context.CLEAR:
        _remove(connection, [row["seq"] for row in rows])
        return ()
    connection.execute("DELETE FROM given WHERE turn = ?", (turn,))
    connection.executemany("INSERT INTO given VALUES (?, ?)", [(turn, row["seq"]) for row in rows])
    return tuple(inbound_of(row, account.partition("/")[2]) for row in rows)


def consume(connection: sqlite3.Connection, turn: int) -> None:
    """A turn has settled: exactly what went with it is forgotten."""
    rows = connection.execute("DELETE FROM given WHERE turn = ? RETURNING message", (turn,)).fetchall()
    _remove(connection, [row["message"] for row in rows])


def give_back(connection: sqlite3.Connection, turn: int) -> None:
    """A turn ended without settling: what went with it goes with the next one."""
    connection.execute("DELETE FROM given WHERE turn = ?", (turn,))


def recall(connection: sqlite3.Connection, seq: int) -> None:
    """The author took a message back."""
    _remove(connection, [seq])


def _remove(connection: sqlite3.Connection, seqs: list[int]) -> None:
    """Forget messages, their text included."""
    for seq in seqs:
        removed = connection.execute("DELETE FROM history WHERE message = ?", (seq,))
        if removed.rowcount:
            connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (seq,))
