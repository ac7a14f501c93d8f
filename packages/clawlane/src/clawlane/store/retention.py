"""Prunes expired data in small batches: texts of settled turns first, ids a month later.

Without its ids, a message cannot be told from one that was answered already: whatever was sent before the
oldest id that is kept counts as too old, whatever the rules say.

The messages of a turn that an agent remembers keep both, and so does the history that went with it.

A message that was set aside (a dead letter) is kept until the operator decides, but for the oldest once an
account has more than `DEAD_LETTERS`; how many were forgotten is counted, and the status says so.
"""

from __future__ import annotations

from clawlane.store import answers, audit_log, deliveries, spending
from clawlane.store.rows import change
from clawlane.store.transaction import Tx, count, forget_texts

TEXTS = 1000
"""How many done messages of an account keep their text, and that of their reply."""

DEAD_LETTERS = 1000
"""How many messages of an account that were set aside are kept until the operator decides."""

FORGOTTEN = "dead_letter_forgotten"
"""The counter of those that were forgotten undecided."""

IDS_MS = 30 * 86_400_000
"""How long it is remembered that a message was there."""

_BATCH = 200
_OF_A_MESSAGE = (
    ("outbox", "turn"),
    ("outbox", "by_turn"),
    ("given", "turn"),
    ("turn_messages", "message"),
    ("turn_messages", "turn"),
    ("drafts", "turn"),
    ("steps", "turn"),
    ("session_turns", "turn"),
    ("turns", "turn"),
    ("decisions", "message"),
    ("aliases", "message"),
    ("messages", "seq"),
)
"""Where a message stands, in the order in which it can be deleted."""


_AGING = (
    ("receipts", "at_ms"),
    ("gaps", "noted_ms"),
    ("notices", "noted_ms"),
    ("operator_log", "at_ms"),
    ("config_log", "at_ms"),
    ("state_log", "at_ms"),
)
"""What is deleted by its age alone, and the time that counts."""


def prune(tx: Tx) -> bool:
    """Prune one batch. True if there is more."""
    _dead_letters(tx)
    texts = _texts(tx)
    before_ms = tx.now_ms - IDS_MS
    ids = _ids(tx, before_ms)
    for table, column in _AGING:
        query = f"DELETE FROM {table} WHERE account = ? AND {column} < ?"  # noqa: S608 — our own text only
        tx.db.execute(query, (tx.account, before_ms))
    spending.prune(tx)
    deliveries.prune(tx)
    entries = audit_log.prune(tx)
    tx.db.execute("DELETE FROM tombstones WHERE account = ? AND expires_ms <= ?", (tx.account, tx.now_ms))
    tx.db.execute(
        "DELETE FROM outbox WHERE account = ? AND turn IS NULL AND created_ms < ? AND settled_ms < ?",
        (tx.account, before_ms, before_ms),
    )
    return entries or max(texts, ids) == _BATCH


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
    # From the messages that still have a text: of those there are few, while turns that are done add up. What
    # came later than the last message of that turn waits for the next time.
    rows = tx.db.execute(
        "SELECT part.turn, part.message FROM messages JOIN turn_messages AS part"
        "  ON part.account = messages.account AND part.message = messages.seq"
        " JOIN turns ON turns.account = part.account AND turns.turn = part.turn"
        " WHERE messages.account = ? AND body IS NOT NULL AND seq <="
        "  (SELECT max(message) FROM turn_messages WHERE account = ? AND turn = ?)"
        " AND turns.turn <= ? AND settled_ms IS NOT NULL AND state <> 'dead'"
        " AND NOT EXISTS (SELECT 1 FROM session_turns AS mine"
        "  WHERE mine.account = turns.account AND mine.turn = turns.turn AND summarised = 0)"
        " AND NOT EXISTS (SELECT 1 FROM drafts"
        "  WHERE drafts.account = turns.account AND drafts.turn = turns.turn AND decided_ms IS NULL) LIMIT ?",
        (tx.account, tx.account, last["turn"], last["turn"], _BATCH),
    ).fetchall()
    forget_texts(tx, [row["message"] for row in rows])
    for query in (
        "UPDATE outbox SET body = '' WHERE account = ? AND turn = ? AND settled_ms IS NOT NULL",
        "UPDATE outbox SET body = '' WHERE account = ? AND by_turn = ? AND settled_ms IS NOT NULL",
        "DELETE FROM steps WHERE account = ? AND turn = ?",
    ):
        tx.db.executemany(query, [(tx.account, row["turn"]) for row in rows])
    return len(rows)


def _dead_letters(tx: Tx) -> None:
    """Forget the oldest dead letters beyond the limit: they count as given up from then on."""
    rows = tx.db.execute(
        "SELECT turn FROM turns WHERE account = ? AND state = 'dead' ORDER BY turn DESC LIMIT ? OFFSET ?",
        (tx.account, _BATCH, DEAD_LETTERS),
    ).fetchall()
    if not rows:
        return
    query = "SELECT message FROM turn_messages WHERE account = ? AND turn = ?"
    for row in rows:
        parts = tx.db.execute(query, (tx.account, row["turn"])).fetchall()
        forget_texts(tx, [part["message"] for part in parts])
        answers.forget_answer(tx, row["turn"])
    tx.db.executemany(
        "UPDATE turns SET state = 'failed', reason = 'set aside and forgotten undecided: ' || reason"
        " WHERE account = ? AND turn = ?",
        [(tx.account, row["turn"]) for row in rows],
    )
    count(tx, FORGOTTEN, len(rows))


def _ids(tx: Tx, before_ms: int) -> int:
    """What is open, remembered or undecided stays. Both the platform's time and ours must have passed."""
    rows = tx.db.execute(
        "SELECT seq, sent_ms FROM messages AS old WHERE account = ? AND admitted_ms < ? AND sent_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN turns USING (account, turn)"
        "  WHERE part.account = old.account AND part.message = seq"
        "  AND (settled_ms IS NULL OR state = 'dead'))"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE account = old.account AND turn = seq"
        "  AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE account = old.account AND by_turn = seq"
        "  AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN session_turns USING (account, turn)"
        "  WHERE part.account = old.account AND part.message = seq AND summarised = 0)"
        " AND NOT EXISTS (SELECT 1 FROM given JOIN session_turns USING (account, turn)"
        "  WHERE given.account = old.account AND given.message = seq AND summarised = 0)"
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
        newest_ms = max(row["sent_ms"] for row in rows)
        change(tx, "accounts", {}, kept_from_ms=max(kept_from_ms(tx), newest_ms + 1))
    return len(rows)
