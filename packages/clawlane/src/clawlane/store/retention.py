"""Transitions that keep the file small: texts that are done with go first, and ids a month later.

Once ids are gone, a message from before that time cannot be told from one that was answered already: what was
sent before the oldest kept is too old, whatever else the rules say.
"""

from __future__ import annotations

from clawlane.store import notices, tombstones
from clawlane.store.texts import forget_texts
from clawlane.store.transaction import Tx

TEXTS = 1000
"""How many done messages of an account keep their text, and that of their reply."""

IDS_MS = 30 * 86_400_000
"""How long it is remembered that a message was there."""

_BATCH = 200
_OF_A_MESSAGE = (
    ("outbox", "turn"),
    ("given", "turn"),
    ("turn_messages", "message"),
    ("turn_messages", "turn"),
    ("turns", "turn"),
    ("decisions", "message"),
    ("aliases", "message"),
    ("messages", "seq"),
)
"""Where a message stands, in the order in which it can be deleted."""


def prune(tx: Tx) -> bool:
    """Forget a little of what has had its time. True if there is more."""
    texts = _texts(tx)
    ids = _ids(tx, tx.now_ms - IDS_MS)
    notices.prune(tx, tx.now_ms - IDS_MS)
    tombstones.prune(tx)
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
        "SELECT turn FROM turns WHERE account = ? AND settled_ms IS NOT NULL AND state <> 'dead'"
        " ORDER BY turn DESC LIMIT 1 OFFSET ?",
        (tx.account, TEXTS),
    ).fetchone()
    if last is None:
        return 0
    rows = tx.db.execute(
        "SELECT part.turn, part.message FROM turns JOIN turn_messages AS part USING (account, turn)"
        " JOIN messages ON messages.account = part.account AND messages.seq = part.message"
        " WHERE turns.account = ? AND turns.turn <= ? AND settled_ms IS NOT NULL AND state <> 'dead'"
        " AND body IS NOT NULL LIMIT ?",
        (tx.account, last["turn"], _BATCH),
    ).fetchall()
    forget_texts(tx, [row["message"] for row in rows])
    tx.db.executemany(
        "UPDATE outbox SET body = '' WHERE account = ? AND turn = ? AND settled_ms IS NOT NULL",
        [(tx.account, row["turn"]) for row in rows],
    )
    return len(rows)


def _ids(tx: Tx, before_ms: int) -> int:
    """What is still open, remembered or undecided stays. Times are the platform's and ours: both count."""
    rows = tx.db.execute(
        "SELECT seq, sent_ms FROM messages AS old WHERE account = ? AND admitted_ms < ? AND sent_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN turns USING (account, turn)"
        "  WHERE part.account = old.account AND part.message = seq AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE account = old.account AND turn = seq"
        "  AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM history WHERE account = old.account AND message = seq)"
        " AND NOT EXISTS (SELECT 1 FROM undecided WHERE account = old.account AND message = seq)"
        " ORDER BY admitted_ms LIMIT ?",
        (tx.account, before_ms, before_ms, _BATCH),
    ).fetchall()
    for table, column in _OF_A_MESSAGE:
        tx.db.executemany(
            f"DELETE FROM {table} WHERE account = ? AND {column} = ?",  # noqa: S608 — our own text only
            [(tx.account, row["seq"]) for row in rows],
        )
    if rows:
        tx.db.execute(
            "UPDATE accounts SET kept_from_ms = max(kept_from_ms, ?) WHERE account = ?",
            (max(row["sent_ms"] for row in rows) + 1, tx.account),
        )
    return len(rows)
