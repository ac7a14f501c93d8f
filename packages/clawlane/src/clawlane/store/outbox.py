"""Transitions of the outbox.

A chunk is a row before it is sent; what became of it is written once it is known. What nobody answered for is
the business of `clawlane.store.fates`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from clawlane.messages import Outgoing, Receipt
from clawlane.store import history
from clawlane.store.codec import NO_TEXT, text_body, text_of
from clawlane.store.parts import retell, told
from clawlane.store.records import Chunk, Ended, Purpose, TurnState, Waiting
from clawlane.store.transaction import Tx, next_number

LOOK_UP_MS = 600_000
"""How long a chunk of unknown fate holds its thread back for a look-up, where one is wanted."""

LONGEST_RETRY_MS = 330_000
"""No retry is planned further ahead; what is was planned before the clock jumped back."""


def queue(tx: Tx, turn: int | None, outs: Iterable[Outgoing], purpose: Purpose = Purpose.REPLY) -> list[int]:
    """Write chunks in order, each with a client id: milliseconds, strictly rising over the account.

    Gives row ids.
    """
    row = tx.db.execute("SELECT last_client_id FROM accounts WHERE account = ?", (tx.account,)).fetchone()
    last = row["last_client_id"] if row else 0
    ids = []
    for out in outs:
        last = max(last + 1, tx.now_ms)
        id_ = next_number(tx, "chunk")
        values = (
            tx.account,
            id_,
            out.thread.kind,
            out.thread.id,
            turn,
            purpose,
            str(last),
            text_body(out),
            tx.now_ms,
            tx.now_ms,
        )
        tx.db.execute(
            "INSERT INTO outbox (account, id, thread_kind, thread_id, turn, purpose, client_id, body, state,"
            " created_ms, due_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
            values,
        )
        ids.append(id_)
    tx.db.execute(
        "INSERT INTO accounts (account, last_client_id) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_client_id = excluded.last_client_id",
        (tx.account, last),
    )
    return ids


def waiting(tx: Tx, *, look_up: bool) -> Waiting:
    """The first open chunk of each thread, as far as it is due.

    With `look_up` a chunk of unknown fate keeps its thread waiting until the platform was asked about it: it
    may have to be sent again, and in order.
    """
    tx.db.execute(
        "UPDATE outbox SET state = 'expired', settled_ms = ? WHERE account = ? AND state = 'queued'"
        " AND settled_ms IS NULL AND expires_ms <= ?",
        (tx.now_ms, tx.account, tx.now_ms),
    )
    _leave_the_future(tx)
    asked_after_ms = tx.now_ms - LOOK_UP_MS if look_up else tx.now_ms
    rows = tx.db.execute(
        "SELECT * FROM outbox AS chunk WHERE account = ? AND state = 'queued' AND settled_ms IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.account = chunk.account"
        "  AND earlier.thread_kind = chunk.thread_kind AND earlier.thread_id = chunk.thread_id"
        "  AND earlier.settled_ms IS NULL AND earlier.id < chunk.id"
        "  AND (earlier.state IN ('queued', 'sending') OR (earlier.state = 'unknown'"
        "   AND earlier.looked_up_ms IS NULL AND earlier.sent_ms > ?)))"
        " ORDER BY due_ms, id",
        (tx.account, asked_after_ms),
    ).fetchall()
    due = tuple(
        Chunk(row["id"], row["turn"], text_of(row), row["attempts"] + 1)
        for row in rows
        if row["due_ms"] <= tx.now_ms
    )
    later = [row["due_ms"] for row in rows[len(due) :][:1]]
    return Waiting(due, min([*later, *_asked(tx, asked_after_ms)], default=None))


def _leave_the_future(tx: Tx) -> None:
    """Bring times that lie ahead, because the clock was set back, to where they do not hold anything up."""
    tx.db.execute(
        "UPDATE outbox SET due_ms = min(due_ms, CASE attempts WHEN 0 THEN ?1 ELSE ?1 + ?2 END),"
        " sent_ms = min(sent_ms, ?1) WHERE account = ?3 AND settled_ms IS NULL"
        " AND (sent_ms > ?1 OR due_ms > CASE attempts WHEN 0 THEN ?1 ELSE ?1 + ?2 END)",
        (tx.now_ms, LONGEST_RETRY_MS, tx.account),
    )


def _asked(tx: Tx, asked_after_ms: int) -> list[int]:
    """When the first thread is free again that waits for a look-up."""
    row = tx.db.execute(
        "SELECT min(sent_ms) AS first_ms FROM outbox WHERE account = ? AND settled_ms IS NULL"
        " AND state = 'unknown' AND looked_up_ms IS NULL AND sent_ms > ?",
        (tx.account, asked_after_ms),
    ).fetchone()
    return [] if row["first_ms"] is None else [row["first_ms"] + LOOK_UP_MS]


def begin(tx: Tx, chunk_ids: Sequence[int]) -> frozenset[int]:
    """Mark chunks as on their way. Gives those that still were to be sent."""
    begun = [
        chunk_id
        for chunk_id in chunk_ids
        if tx.db.execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, sent_ms = ?, looked_up_ms = NULL"
            " WHERE id = ? AND account = ? AND state = 'queued' AND settled_ms IS NULL",
            (tx.now_ms, chunk_id, tx.account),
        ).rowcount
    ]
    return frozenset(begun)


def sent(tx: Tx, chunk_id: int, receipt: Receipt) -> int | None:
    """It arrived. Gives the turn that this settled, if any."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'sent', receipt = ?, settled_ms = ?, reason = ''"
        " WHERE account = ? AND id = ? AND settled_ms IS NULL RETURNING turn, thread_kind, session",
        (json.dumps(receipt.message_ids), tx.now_ms, tx.account, chunk_id),
    ).fetchone()
    if row is None:
        return None
    tx.db.executemany(
        "INSERT INTO receipts (account, message_id, at_ms, thread_kind, session) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [(tx.account, one, tx.now_ms, row["thread_kind"], row["session"]) for one in receipt.message_ids],
    )
    tx.db.execute("UPDATE accounts SET last_outbound_ms = ? WHERE account = ?", (tx.now_ms, tx.account))
    return settle(tx, row["turn"])


def refused(tx: Tx, chunk_id: int, reason: str) -> Ended:
    """The platform said no: the rest of the reply is not sent."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'refused', reason = ?, settled_ms = ? WHERE account = ? AND id = ?"
        " AND settled_ms IS NULL RETURNING turn",
        (reason, tx.now_ms, tx.account, chunk_id),
    ).fetchone()
    if row is None or row["turn"] is None:
        return Ended(None, "")
    cancel(tx, row["turn"], chunk_id, "an earlier part was refused")
    return Ended(settle(tx, row["turn"]), told(tx, row["turn"]))


def unknown(tx: Tx, chunk_id: int, reason: str) -> Ended:
    """Nobody knows whether it arrived, unless the account saw it itself: the rest of the reply is held."""
    row = tx.db.execute(
        "SELECT turn, echo FROM outbox WHERE account = ? AND id = ?", (tx.account, chunk_id)
    ).fetchone()
    if row["echo"]:
        return Ended(sent(tx, chunk_id, Receipt((row["echo"],))), "")
    tx.db.execute(
        "UPDATE outbox SET state = 'unknown', reason = ? WHERE account = ? AND id = ? AND settled_ms IS NULL",
        (reason, tx.account, chunk_id),
    )
    turn: int | None = row["turn"]
    if turn is not None and _was_recalled(tx, turn):
        tx.db.execute(
            "UPDATE outbox SET settled_ms = ? WHERE account = ? AND id = ?", (tx.now_ms, tx.account, chunk_id)
        )
        retell(tx, turn)
    elif turn is not None:
        tx.db.execute(
            "UPDATE outbox SET state = 'held' WHERE account = ? AND turn = ? AND state = 'queued'",
            (tx.account, turn),
        )
        mark(tx, turn, TurnState.NEEDS_DECISION, told(tx, turn))
    return Ended(turn, told(tx, turn))


def _was_recalled(tx: Tx, turn: int) -> bool:
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND state = 'recalled'"
    return tx.db.execute(query, (tx.account, turn)).fetchone() is not None


def retry(tx: Tx, chunk_id: int, reason: str, due_ms: int) -> None:
    """It did not leave, and may be tried again at `due_ms`, unless its turn was stopped meanwhile."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'queued', reason = ?, due_ms = ?"
        " WHERE account = ? AND id = ? AND state = 'sending' RETURNING turn",
        (reason, due_ms, tx.account, chunk_id),
    ).fetchone()
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND settled_ms IS NOT NULL"
    if row and tx.db.execute(query, (tx.account, row["turn"])).fetchone():
        cancel(tx, row["turn"], chunk_id, "its turn was stopped")
        retell(tx, row["turn"])


def is_receipt(tx: Tx, message_id: str, client_id: str) -> bool:
    """Whether the account sent the message of this id, or under this client id."""
    found = tx.db.execute(
        "SELECT 1 FROM receipts WHERE account = ? AND message_id = ?"
        " UNION ALL SELECT 1 FROM outbox WHERE account = ? AND client_id = ? AND attempts > 0",
        (tx.account, message_id, tx.account, client_id),
    )
    return found.fetchone() is not None


def cancel(tx: Tx, turn: int, from_chunk: int, reason: str) -> None:
    """From this part on, nothing of a reply is sent that has not left yet."""
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ?"
        " WHERE account = ? AND turn = ? AND id >= ? AND settled_ms IS NULL AND state IN ('queued', 'held')",
        (tx.now_ms, reason, tx.account, turn, from_chunk),
    )


def discard(tx: Tx, turn: int) -> None:
    """A reply is made anew: what has not left of it never was."""
    tx.db.execute(
        "DELETE FROM outbox WHERE account = ? AND turn = ? AND state IN ('queued', 'held')",
        (tx.account, turn),
    )


def forget_texts(tx: Tx, turn: int) -> None:
    """Remove what a reply said, also of what is on its way: it may repeat what it answers."""
    query = "UPDATE outbox SET body = ? WHERE account = ? AND turn = ?"
    tx.db.execute(query, (NO_TEXT, tx.account, turn))


def settle(tx: Tx, turn: int | None) -> int | None:
    """Finish the turn when nothing of its reply is open any more. Gives the turn if this finished it."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND settled_ms IS NULL"
    if turn is None or tx.db.execute(query, (tx.account, turn)).fetchone():
        return None
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND state <> 'sent'"
    whole = tx.db.execute(query, (tx.account, turn)).fetchone() is None
    cursor = tx.db.execute(
        "UPDATE turns SET state = ?, reason = ?, settled_ms = ?"
        " WHERE account = ? AND turn = ? AND settled_ms IS NULL",
        (
            TurnState.DONE if whole else TurnState.FAILED,
            "" if whole else told(tx, turn),
            tx.now_ms,
            tx.account,
            turn,
        ),
    )
    if not cursor.rowcount:
        retell(tx, turn)
        return None
    use_context(tx, turn)
    return turn


def use_context(tx: Tx, turn: int) -> None:
    """The group's history that went with a turn is used up if anything of the reply arrived, else kept."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND state = 'sent'"
    arrived = tx.db.execute(query, (tx.account, turn)).fetchone() is not None
    (history.consume if arrived else history.give_back)(tx, turn)


def mark(tx: Tx, turn: int, state: TurnState, reason: str) -> None:
    """Where an open turn stands now."""
    tx.db.execute(
        "UPDATE turns SET state = ?, reason = ? WHERE account = ? AND turn = ? AND settled_ms IS NULL",
        (state, reason, tx.account, turn),
    )
