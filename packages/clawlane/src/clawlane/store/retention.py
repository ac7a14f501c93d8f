"""Transitions that keep the file small: texts that are done with go first, and ids a month later.

Once ids are gone, a message from before that time cannot be told from one that was answered already: what was
sent before the oldest kept is too old, whatever else the rules say.
"""

from __future__ import annotations

from clawlane.store.transaction import Tx

TEXTS = 1000
"""How many done messages of an account keep their text, and that of their reply."""

IDS_MS = 30 * 86_400_000
"""How long it is remembered that a message was there."""

_BATCH = 200


def prune(tx: Tx) -> bool:
    """Forget a little of what has had its time. True if there is more."""
    texts = _texts(tx)
    ids = _ids(tx, tx.now_ms - IDS_MS)
    tx.db.execute("DELETE FROM receipts WHERE account = ? AND at_ms < ?", (tx.account, tx.now_ms - IDS_MS))
    tx.db.execute(
        "DELETE FROM outbox WHERE account = ? AND turn IS NULL AND settled_ms < ?",
        (tx.account, tx.now_ms - IDS_MS),
    )
    return max(texts, ids) == _BATCH


def kept_from_ms(tx: Tx) -> int:
    """What was sent before this time may have been there, and be forgotten."""
    row = tx.db.execute("SELECT kept_from_ms FROM accounts WHERE account = ?", (tx.account,)).fetchone()
    return int(row["kept_from_ms"]) if row else 0


def _texts(tx: Tx) -> int:
    last = tx.db.execute(
        "SELECT message FROM turns WHERE account = ? AND settled_ms IS NOT NULL AND state <> 'dead'"
        " ORDER BY message DESC LIMIT 1 OFFSET ?",
        (tx.account, TEXTS),
    ).fetchone()
    if last is None:
        return 0
    rows = tx.db.execute(
        "SELECT message FROM turns JOIN messages ON seq = message WHERE turns.account = ? AND message <= ?"
        " AND settled_ms IS NOT NULL AND state <> 'dead' AND body IS NOT NULL LIMIT ?",
        (tx.account, last["message"], _BATCH),
    ).fetchall()
    for row in rows:
        tx.db.execute("UPDATE messages SET body = NULL WHERE seq = ?", (row["message"],))
        tx.db.execute(
            "UPDATE outbox SET body = '' WHERE turn = ? AND settled_ms IS NOT NULL", (row["message"],)
        )
    return len(rows)


def _ids(tx: Tx, before_ms: int) -> int:
    """What is still open, remembered or undecided stays. Times are the platform's and ours: both count."""
    rows = tx.db.execute(
        "SELECT seq, sent_ms FROM messages WHERE account = ? AND admitted_ms < ? AND sent_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM turns WHERE message = seq AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE turn = seq AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM history WHERE message = seq)"
        " AND NOT EXISTS (SELECT 1 FROM undecided WHERE message = seq)"
        " ORDER BY admitted_ms LIMIT ?",
        (tx.account, before_ms, before_ms, _BATCH),
    ).fetchall()
    for row in rows:
        for table, column in (
            ("outbox", "turn"),
            ("given", "turn"),
            ("turns", "message"),
            ("decisions", "message"),
        ):
            tx.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (row["seq"],))  # noqa: S608
        tx.db.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
    if rows:
        tx.db.execute(
            "UPDATE accounts SET kept_from_ms = max(kept_from_ms, ?) WHERE account = ?",
            (max(row["sent_ms"] for row in rows) + 1, tx.account),
        )
    return len(rows)
