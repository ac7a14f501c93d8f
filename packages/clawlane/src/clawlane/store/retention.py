"""Prunes expired data in small batches: words of people first, and long after them the ids.

How long each kind is kept is the account's `retention`. Without its ids, a message cannot be told from one
that was answered already: whatever was sent before the oldest id that is kept counts as too old, whatever the
rules say.

The messages of a turn that an agent remembers keep their text as long as it does, and so does the history
that went with it. What is still to be done is not taken: a message without its answer, a reply on its way, a
send that waits for the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from clawlane.access.decision import RETENTION, Decision, Outcome, Reason
from clawlane.store import answers, audit_log, deliveries, drafts, pending_history, sessions, spending
from clawlane.store.decisions import record
from clawlane.store.draft_told import NO_TURN
from clawlane.store.rows import change
from clawlane.store.sql import Database
from clawlane.store.told import Stage
from clawlane.store.transaction import Tx, count, forget_texts

DEAD_LETTERS = 1000
"""How many messages of an account that were set aside are kept until the operator decides."""

FORGOTTEN = "dead_letter_forgotten"
"""The counter of those that were forgotten undecided."""

DAY_MS = 86_400_000
IDS_MS = 30 * DAY_MS
"""How long it is remembered at least that a message was there."""

EVERY_MS = 3_600_000
"""How often the gateway prunes."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each kind is kept, in milliseconds; the values are those built in.

    `text` is what people wrote and what was answered, once it is done; `history` what a group said and no
    turn took; `sessions` what agents remember; `decisions` what is left of a message without its words, and
    the names of people who were never let in.
    """

    text_ms: int = 30 * DAY_MS
    history_ms: int = 7 * DAY_MS
    sessions_ms: int = 30 * DAY_MS
    decisions_ms: int = 90 * DAY_MS


BUILT_IN = Keep()

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
    ("answer_fates", "turn"),
    ("callbacks", "turn"),
    ("turns", "turn"),
    ("decisions", "message"),
    ("aliases", "message"),
    ("messages", "seq"),
)
"""Where a message stands, in the order in which it can be deleted."""


_AGING = (
    ("receipts", "at_ms"),
    ("gaps", "noted_ms"),
    ("owner_texts", "done_ms"),
    ("notices", "noted_ms"),
    ("operator_log", "at_ms"),
    ("config_log", "at_ms"),
    ("state_log", "at_ms"),
    ("recall_log", "at_ms"),
    ("takeovers", "until_ms"),
    ("own_messages", "expires_ms"),
)
"""What is deleted by its age alone, and the time that counts."""


def prune(tx: Tx, keep: Keep = BUILT_IN) -> bool:
    """Prune one batch. True if there is more."""
    text_ms, before_ms = tx.now_ms - keep.text_ms, tx.now_ms - IDS_MS
    taken = (
        _dead_letters(tx, text_ms),
        sessions.expire_turns(tx, tx.now_ms - keep.sessions_ms, _BATCH),
        _history(tx, tx.now_ms - keep.history_ms),
        _undecided(tx, text_ms),
        _drafts(tx, text_ms),
        _texts(tx, text_ms),
        _sent_texts(tx, text_ms),
        _notices(tx, text_ms),
        _ids(tx, tx.now_ms - max(keep.decisions_ms, IDS_MS)),
    )
    if any(taken):
        tx.scrub()
    for table, column in _AGING:
        query = f"DELETE FROM {table} WHERE account = ? AND {column} < ?"  # noqa: S608 — our own text only
        tx.db.execute(query, (tx.account, before_ms))
    _names(tx, tx.now_ms - keep.decisions_ms)
    spending.prune(tx)
    deliveries.prune(tx)
    entries = audit_log.prune(tx)
    tx.db.execute("DELETE FROM tombstones WHERE account = ? AND expires_ms <= ?", (tx.account, tx.now_ms))
    tx.db.execute(  # those of a turn go with it
        "DELETE FROM drafts WHERE account = ? AND turn = ? AND decided_ms < ?",
        (tx.account, NO_TURN, before_ms),
    )
    tx.db.execute(
        "DELETE FROM outbox WHERE account = ? AND turn IS NULL AND created_ms < ? AND settled_ms < ?",
        (tx.account, before_ms, before_ms),
    )
    return entries or max(taken) >= _BATCH


def kept_from_ms(tx: Tx) -> int:
    """What was sent before this time may have been there, and be forgotten."""
    return kept_from(tx)()


def kept_from(tx: Tx) -> Callable[[], int]:
    """The same, told when it is called: the question goes with others."""
    found = tx.db.execute("SELECT kept_from_ms FROM accounts WHERE account = ?", (tx.account,))

    @cache
    def told() -> int:
        row = found.fetchone()
        return int(row["kept_from_ms"]) if row else 0

    return told


_UNUSED = (
    " AND NOT EXISTS (SELECT 1 FROM history WHERE account = old.account AND message = seq)"
    " AND NOT EXISTS (SELECT 1 FROM undecided WHERE account = old.account AND message = seq)"
    " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN turns USING (account, turn)"
    "  WHERE part.account = old.account AND part.message = seq"
    "  AND (settled_ms IS NULL OR state = 'dead'))"
    " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN drafts USING (account, turn)"
    "  WHERE part.account = old.account AND part.message = seq AND decided_ms IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN session_turns USING (account, turn)"
    "  WHERE part.account = old.account AND part.message = seq AND summarised = 0)"
    " AND NOT EXISTS (SELECT 1 FROM given JOIN session_turns USING (account, turn)"
    "  WHERE given.account = old.account AND given.message = seq AND summarised = 0)"
)
"""Of messages (`old`): nothing is to be done with them, no turn takes them, no agent remembers them."""


def _texts(tx: Tx, before_ms: int) -> int:
    """Forget what old messages said, and what the models and tools of their turns did."""
    rows = tx.db.execute(
        "SELECT seq FROM messages AS old WHERE account = ? AND body IS NOT NULL AND admitted_ms < ?"  # noqa: S608
        f"{_UNUSED} ORDER BY admitted_ms LIMIT ?",
        (tx.account, before_ms, _BATCH),
    ).fetchall()
    numbers = [row["seq"] for row in rows]
    forget_texts(tx, numbers)
    for turn in _turns_of(tx, numbers):
        answers.forget_steps(tx, turn)
        answers.forget_reasons(tx, turn)
    return len(rows)


def _turns_of(tx: Tx, messages: Iterable[int]) -> list[int]:
    query = "SELECT turn FROM turn_messages WHERE account = ? AND message = ?"
    found = [tx.db.execute(query, (tx.account, one)).fetchone() for one in messages]
    return list(dict.fromkeys(row["turn"] for row in found if row))


def _sent_texts(tx: Tx, before_ms: int) -> int:
    """Forget what was sent, or was not to be sent any more."""
    return tx.db.execute(
        "UPDATE outbox SET body = '' WHERE account = ? AND id IN (SELECT id FROM outbox"
        " WHERE account = ? AND body <> '' AND settled_ms < ? ORDER BY settled_ms LIMIT ?)",
        (tx.account, tx.account, before_ms, _BATCH),
    ).rowcount


def _notices(tx: Tx, before_ms: int) -> int:
    """Forget what the platform's own notices said."""
    return tx.db.execute(
        "UPDATE notices SET text = '' WHERE account = ? AND seq IN (SELECT seq FROM notices"
        " WHERE account = ? AND noted_ms < ? AND text <> '' LIMIT ?)",
        (tx.account, tx.account, before_ms, _BATCH),
    ).rowcount


def _history(tx: Tx, before_ms: int) -> int:
    """Forget what a group said so long ago that no turn shall be given it."""
    rows = tx.db.execute(
        "SELECT message FROM history JOIN messages ON messages.account = history.account AND seq = message"
        " WHERE history.account = ? AND admitted_ms < ? LIMIT ?",
        (tx.account, before_ms, _BATCH),
    ).fetchall()
    pending_history.remove(tx, [row["message"] for row in rows])
    return len(rows)


def _undecided(tx: Tx, before_ms: int) -> int:
    """Drop messages that nobody could decide about for so long: whoever wrote them expects no answer."""
    rows = tx.db.execute(
        "SELECT message FROM undecided"
        " JOIN messages ON messages.account = undecided.account AND messages.seq = undecided.message"
        " WHERE undecided.account = ? AND admitted_ms < ? LIMIT ?",
        (tx.account, before_ms, _BATCH),
    ).fetchall()
    numbers = [row["message"] for row in rows]
    for seq in numbers:
        tx.db.execute("DELETE FROM undecided WHERE account = ? AND message = ?", (tx.account, seq))
        record(tx, seq, Stage.ADMISSION, Decision(Outcome.DROP, Reason.TOO_OLD, RETENTION))
    forget_texts(tx, numbers)
    return len(rows)


def _drafts(tx: Tx, before_ms: int) -> int:
    """Drop drafts that nobody approved for so long."""
    query = "SELECT number FROM drafts WHERE account = ? AND decided_ms IS NULL AND created_ms < ? LIMIT ?"
    rows = tx.db.execute(query, (tx.account, before_ms, _BATCH)).fetchall()
    for row in rows:
        drafts.drop(tx, row["number"], "it was kept as long as texts are")
    return len(rows)


def _dead_letters(tx: Tx, before_ms: int) -> int:
    """Forget dead letters that are old, or beyond the limit: they count as given up from then on."""
    rows = tx.db.execute(
        "SELECT turn FROM turns WHERE account = ? AND state = 'dead' AND (settled_ms < ?"
        " OR turn <= (SELECT turn FROM turns WHERE account = ? AND state = 'dead'"
        "  ORDER BY turn DESC LIMIT 1 OFFSET ?)) ORDER BY turn LIMIT ?",
        (tx.account, before_ms, tx.account, DEAD_LETTERS, _BATCH),
    ).fetchall()
    if not rows:
        return 0
    query = "SELECT message FROM turn_messages WHERE account = ? AND turn = ?"
    for row in rows:
        parts = tx.db.execute(query, (tx.account, row["turn"])).fetchall()
        forget_texts(tx, [part["message"] for part in parts])
        answers.forget_answer(tx, row["turn"])
    tx.db.executemany(
        "UPDATE turns SET state = 'failed', reason = 'set aside and forgotten undecided'"
        " WHERE account = ? AND turn = ?",
        [(tx.account, row["turn"]) for row in rows],
    )
    count(tx, FORGOTTEN, len(rows))
    return len(rows)


def _names(tx: Tx, before_ms: int) -> None:
    """Forget who asked long ago and was never let in. A block stays, without its name."""
    tx.db.execute("DELETE FROM pairing WHERE account = ? AND expires_ms < ?", (tx.account, before_ms))
    tx.db.execute("DELETE FROM lapsed WHERE account = ? AND at_ms < ?", (tx.account, before_ms))
    old = (tx.account, before_ms)
    tx.db.execute(
        "DELETE FROM rejected WHERE account = ? AND rejected_ms < ? AND until_ms < ?", (*old, tx.now_ms)
    )
    tx.db.execute(
        "UPDATE rejected SET sender_name = '' WHERE account = ? AND rejected_ms < ? AND sender_name <> ''",
        old,
    )


def _ids(tx: Tx, before_ms: int) -> int:
    """What is open, remembered or undecided stays. Both the platform's time and ours must have passed."""
    rows = tx.db.execute(
        "SELECT seq, sent_ms FROM messages AS old WHERE account = ? AND admitted_ms < ? AND sent_ms < ?"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE account = old.account AND turn = seq"
        "  AND settled_ms IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE account = old.account AND by_turn = seq"
        "  AND settled_ms IS NULL)"
        f"{_UNUSED} ORDER BY admitted_ms LIMIT ?",
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


@dataclass(frozen=True, slots=True)
class Take:
    """What is forgotten next: how many texts, and when (ms)."""

    texts: int
    at_ms: int


def next_take(connection: Database, account: str, keep: Keep = BUILT_IN) -> Take | None:
    """What is forgotten next, of what is done; None if nothing is kept. Looks at the oldest texts only."""
    due = sorted(
        [
            *_due(connection, account, _OLD_TEXTS, keep.text_ms, keep.sessions_ms),
            *_due(connection, account, _OLD_HISTORY, keep.history_ms, 0),
        ]
    )
    if not due:
        return None
    first_ms = due[0]
    return Take(sum(1 for one in due if one < first_ms + EVERY_MS), first_ms)


_LOOKED_AT = 1000
_OLD_TEXTS = (
    "SELECT admitted_ms, (SELECT max(at_ms) FROM session_turns JOIN turn_messages USING (account, turn)"
    "  WHERE turn_messages.account = old.account AND message = seq AND summarised = 0) AS remembered_ms"
    " FROM messages AS old WHERE account = ? AND body IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM history WHERE account = old.account AND message = seq)"
    " AND NOT EXISTS (SELECT 1 FROM turn_messages AS part JOIN turns USING (account, turn)"
    "  WHERE part.account = old.account AND part.message = seq AND settled_ms IS NULL)"
    " ORDER BY admitted_ms LIMIT ?"
)
_OLD_HISTORY = (
    "SELECT admitted_ms, NULL AS remembered_ms FROM history"
    " JOIN messages ON messages.account = history.account AND seq = message"
    " WHERE history.account = ? ORDER BY admitted_ms LIMIT ?"
)


def _due(connection: Database, account: str, query: str, ms: int, remembered_ms: int) -> list[int]:
    """When each of the oldest texts is forgotten."""
    return [
        max(admitted + ms, (remembered or 0) + remembered_ms if remembered is not None else 0)
        for admitted, remembered in connection.execute(query, (account, _LOOKED_AT))
    ]
