"""Transitions that keep the file small: texts that are done with go first, and ids a month later.

Once ids are gone, a message from before that time cannot be told from one that was answered already: what was
sent before the oldest kept is too old, whatever else the rules say.
"""

from __future__ import annotations

import sqlite3

TEXTS = 1000
"""How many done messages of an account keep their text, and that of their reply."""

IDS_MS = 30 * 86_400_000
"""How long it is remembered that a message was there."""

_BATCH = 200


def prune(connection: sqlite3.Connection, account: str, now_ms: int) -> bool:
    """Forget a little of what has had its time. True if there is more."""
    texts = _texts(connection, account)
    ids = _ids(connection, account, now_ms - IDS_MS)
    connection.execute("DELETE FROM receipts WHERE account = ? AND at_ms < ?", (account, now_ms - IDS_MS))
    connection.execute(
        "DELETE FROM outbox WHERE account = ? AND turn IS NULL AND settled_ms < ?", (account, now_ms - IDS_MS)
    )
    return max(texts, ids) == _BATCH


def kept_from_ms(connection: sqlite3.Connection, account: str) -> int:
    """What was sent before this time may have been there, and be forgotten."""
    row = connection.execute("SELECT kept_from_ms FROM accounts WHERE account = ?", (account,)).fetchone()
    return int(row["kept_from_ms"]) if row else 0


def _texts(connection: sqlite3.Connection, account: str) -> int:
    last = connection.execute(
        "SELECT message FROM turns WHERE account = ? AND settled_ms IS NOT NULL AND state <> 'dead'"
        " ORDER BY message DESC LIMIT 1 OFFSET ?",
        (account, TEXTS),
    ).fetchone()
    if last is None:
        return 0
    rows = connection.execute(
        "SELECT message FROM turns JOIN messages ON seq = message WHERE turns.account = ? AND message <= ?"
        " AND settled_ms IS NOT NULL AND state <> 'dead' AND body IS NOT NULL LIMIT ?",
        (account, last["message"], _BATCH),
    ).fetchall()
    for row in rows:
        connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (row["message"],))
        connection.execute(
            "UPDATE outbox SET body = '' WHERE turn = ? AND settled_ms IS NOT NULL", (row["message"],)
        )
    return len(rows)


def _ids(connection: sqlite3.Connection, account: str, before_ms: int) -> int:
    """What is still open, remembered or undecided stays. Times are the platform's and ours: both count."""
    rows = connection.execute(
        "SELECT seq, sent_ms FROM messages WHERE account = ? AND admitted_ms < ? AND sent_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM turns WHERE message = seq AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE turn = seq AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM history WHERE message = seq)"
        " AND NOT EXISTS (SELECT 1 FROM undecided WHERE message = seq)"
        " ORDER BY admitted_ms LIMIT ?",
        (account, before_ms, before_ms, _BATCH),
    ).fetchall()
    for row in rows:
        for table, column in (
            ("outbox", "turn"),
            ("given", "turn"),
            ("turns", "message"),
            ("decisions", "message"),
        ):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (row["seq"],))  # noqa: S608
        connection.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
    if rows:
        connection.execute(
            "UPDATE accounts SET kept_from_ms = max(kept_from_ms, ?) WHERE account = ?",
            (max(row["sent_ms"] for row in rows) + 1, account),
        )
    return len(rows)
