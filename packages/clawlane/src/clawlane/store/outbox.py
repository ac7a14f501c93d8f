"""Transitions of the outbox.

A chunk is a row before it is sent; its outcome is written once it is known. Sends that got no
answer are dealt with in `clawlane.store.unknown_sends`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from itertools import groupby

from clawlane.messages import Outgoing, Receipt, Thread
from clawlane.store import pending_history, send_log
from clawlane.store.codec import NO_TEXT, said_in, storable, text_body, text_of, thread_of
from clawlane.store.models import Chunk, ChunkState, Hold, LostSend, Purpose, SendOutcome, TurnState, Waiting
from clawlane.store.send_log import SentChunk
from clawlane.store.transaction import Tx, lazy, next_number

_WORDS = {
    ChunkState.QUEUED: "to be sent",
    ChunkState.SENDING: "on its way",
    ChunkState.UNKNOWN: "of unknown fate",
    ChunkState.HELD: "held back",
    ChunkState.SENT: "arrived",
    ChunkState.REFUSED: "refused",
    ChunkState.CANCELLED: "not sent",
    ChunkState.EXPIRED: "too late to be sent",
}

_WITH_REASON = (ChunkState.REFUSED, ChunkState.UNKNOWN)


def delivery_summary(tx: Tx, turn: int | None) -> str:
    """`of 3 parts, 1 arrived, 2 refused (you are blocked), 3 not sent`; empty for what is no reply."""
    if turn is None:
        return ""
    query = "SELECT state, reason FROM outbox WHERE account = ? AND turn = ? ORDER BY id"
    rows = tx.db.execute(query, (tx.account, turn)).fetchall()
    stretches = []
    parts = enumerate((_words(row) for row in rows), start=1)
    for words, stretch in groupby(parts, key=lambda part: part[1]):
        numbers = [number for number, _ in stretch]
        stretches.append(f"{_span(numbers)} {words}" if len(rows) > 1 else words)
    return (f"of {len(rows)} parts, " if len(rows) > 1 else "") + ", ".join(stretches)


def update_summary(tx: Tx, turn: int | None) -> None:
    """Update the reason of a recalled turn with what has left of its reply."""
    reply = delivery_summary(tx, turn)
    if turn is not None and reply:
        tx.db.execute(
            "UPDATE turns SET reason = (SELECT recalled FROM turn_messages AS part JOIN messages"
            "  ON messages.account = part.account AND messages.seq = part.message"
            "  WHERE part.account = turns.account AND part.turn = turns.turn AND recalled <> '' LIMIT 1)"
            " || ': ' || ? WHERE account = ? AND turn = ? AND state = 'recalled'",
            (reply, tx.account, turn),
        )


def _words(row: sqlite3.Row) -> str:
    state = ChunkState(row["state"])
    words = _WORDS[state]
    return f"{words} ({row['reason']})" if state in _WITH_REASON and row["reason"] else words


def _span(numbers: list[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"


LOOK_UP_MS = 600_000
"""How long look-ups may settle a chunk of unknown fate before the operator has to."""

LONGEST_RETRY_MS = 3_960_000
"""No retry is planned further ahead. One that is was planned before the clock jumped back."""

UNASKED_MS = 1_200_000
"""How much longer a chunk of unknown fate waits for its first look-up while there is no connection."""

TOO_LATE_MS = 900_000
"""A reply held by the guard against loops expires this long after the end of the hold."""


class Place(IntEnum):
    """Where a queued chunk stands among those of its thread: lower ones first, and in order in each."""

    BEGUN = 0
    IN_TURN = 1
    ASIDE = 2


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


@lazy
def waiting(
    tx: Tx,
    shut: Collection[Thread] = (),
    held: Mapping[int, int] | None = None,
    last_ms: Mapping[Thread, int] | None = None,
    limit: int | None = None,
) -> Waiting:
    """The next chunk of each thread that is not `shut`, as far as it is due and not `held` until later.

    The threads come first whose `last_ms` (when something left to them, 0 if nothing did) is lowest; without
    it, those whose chunk is due first. At most `limit` chunks are read (None: all).

    A chunk on its way keeps its thread waiting, and so does one of unknown fate that look-ups may settle: it
    may have to be sent again, and in order.
    """
    expired = _expire(tx)
    _mend(tx)
    held, last_ms = held or {}, last_ms or {}
    due: list[tuple[int, int, int]] = []
    later = _next_change(tx)
    closed = {*((thread.kind, thread.id) for thread in shut), *_busy(tx)}
    for head in _heads(tx):
        id_ = head["id"]
        at_ms = max(head["due_ms"], held.get(id_, 0))
        if (head["thread_kind"], head["thread_id"]) in closed:
            continue
        if at_ms > tx.now_ms:
            later.append(at_ms)
        else:
            due.append((last_ms.get(thread_of(head), 0) if last_ms else 0, at_ms, id_))
    due.sort()
    chunks = tuple(_chunk(tx, id_) for *_, id_ in due[:limit])
    beyond = tuple(id_ for *_, id_ in due[len(chunks) :])
    return Waiting(chunks, min(later, default=None), expired, beyond)


def _expire(tx: Tx) -> tuple[int, ...]:
    """End chunks that became too old to be sent, and their turns, so that no lane waits for them."""
    rows = tx.db.execute(
        "UPDATE outbox INDEXED BY expiring_chunks SET state = 'expired', settled_ms = ?,"
        " held_until_ms = NULL WHERE account = ?"
        " AND state = 'queued' AND settled_ms IS NULL AND expires_ms IS NOT NULL AND expires_ms <= ?"
        " RETURNING turn",
        (tx.now_ms, tx.account, tx.now_ms),
    ).fetchall()
    turns = dict.fromkeys(row["turn"] for row in rows if row["turn"] is not None)
    return tuple(turn for turn in turns if settle(tx, turn) is not None)


def _mend(tx: Tx) -> None:
    """Release chunks that have waited long enough, and correct times that lie ahead of a clock set back."""
    tx.db.execute(
        "UPDATE outbox INDEXED BY expiring_chunks SET place = 1, due_ms = min(due_ms, ?1)"
        " WHERE account = ?2 AND state = 'queued' AND settled_ms IS NULL AND expires_ms IS NOT NULL"
        " AND place = 2 AND (due_ms <= ?1 OR created_ms > ?1)",
        (tx.now_ms, tx.account),
    )
    tx.db.execute(
        "UPDATE outbox INDEXED BY moving_chunks SET sent_ms = min(sent_ms, ?1),"
        " absent_ms = min(absent_ms, ?1), looked_up_ms = min(looked_up_ms, ?1),"
        " settling_ms = min(settling_ms, ?1 + ?2)"
        " WHERE account = ?3 AND settled_ms IS NULL AND state = 'unknown' AND state <> 'queued'"
        " AND sent_ms > ?1",
        (tx.now_ms, LOOK_UP_MS, tx.account),
    )
    rows = tx.db.execute(
        "UPDATE outbox INDEXED BY moving_chunks SET settling_ms = NULL,"
        " reason = reason || '; nothing showed whether it arrived'"
        " WHERE account = ?1 AND settled_ms IS NULL AND state = 'unknown' AND state <> 'queued'"
        " AND settling_ms <= CASE look_ups WHEN 0 THEN ?2 - ?3 ELSE ?2 END RETURNING turn",
        (tx.account, tx.now_ms, UNASKED_MS),
    ).fetchall()
    for row in rows:
        if row["turn"] is not None:
            mark(tx, row["turn"], TurnState.NEEDS_DECISION, delivery_summary(tx, row["turn"]))


def _busy(tx: Tx) -> list[tuple[str, str]]:
    """The threads (kind, id) in which nothing may leave until something is known.

    A look-up is worth waiting for only where sends of this login have arrived that it could find.
    """
    rows = tx.db.execute(
        "SELECT DISTINCT thread_kind, thread_id FROM outbox AS chunk INDEXED BY moving_chunks"
        " WHERE account = ? AND settled_ms IS NULL AND (state = 'sending'"
        "  OR (state = 'unknown' AND settling_ms IS NOT NULL AND EXISTS"
        "  (SELECT 1 FROM receipts WHERE receipts.account = chunk.account"
        "   AND receipts.thread_kind = chunk.thread_kind AND receipts.session = chunk.session)))"
        " AND state <> 'queued'",
        (tx.account,),
    )
    return list(map(tuple, rows))


_NEXT = (
    "SELECT next.id FROM outbox AS next INDEXED BY queued_chunks"
    " WHERE next.account = ?1 AND next.settled_ms IS NULL AND next.state = 'queued'"
)
_IN_ORDER = "ORDER BY next.thread_kind, next.thread_id, next.place, next.id LIMIT 1"
_HEADS = (
    f"WITH RECURSIVE heads (id) AS (SELECT ({_NEXT} {_IN_ORDER})"  # noqa: S608 — our own text only
    " UNION ALL SELECT coalesce("
    f"({_NEXT} AND next.thread_kind = head.thread_kind AND next.thread_id > head.thread_id {_IN_ORDER}),"
    f" ({_NEXT} AND next.thread_kind > head.thread_kind {_IN_ORDER}))"
    " FROM heads CROSS JOIN outbox AS head WHERE head.account = ?1 AND head.id = heads.id)"
    " SELECT head.id, thread_kind, thread_id, due_ms, place, attempts"
    " FROM heads CROSS JOIN outbox AS head WHERE head.account = ?1 AND head.id = heads.id"
)
"""Of each thread its next queued chunk, one index look-up each: what waits behind is not read."""


def _heads(tx: Tx) -> list[sqlite3.Row]:
    """Of each thread its next queued chunk: the rest of a reply that began to leave, else the oldest.

    Neither the texts nor what waits behind is read.
    """
    heads = tx.db.execute(_HEADS, (tx.account,)).fetchall()
    return [_not_ahead(tx, head) for head in heads if head["place"] != Place.ASIDE]


def _not_ahead(tx: Tx, head: sqlite3.Row) -> sqlite3.Row:
    """The head, due no later than anything is planned now: the clock may have jumped back since."""
    latest_ms = tx.now_ms + (LONGEST_RETRY_MS if head["attempts"] else 0)
    if head["due_ms"] <= latest_ms:
        return head
    row: sqlite3.Row = tx.db.execute(
        "UPDATE outbox SET due_ms = ? WHERE account = ? AND id = ?"
        " RETURNING id, thread_kind, thread_id, due_ms, place, attempts",
        (latest_ms, tx.account, head["id"]),
    ).fetchone()
    return row


def _chunk(tx: Tx, id_: int) -> Chunk:
    """The chunk with its text, and that of its whole reply."""
    row = tx.db.execute("SELECT * FROM outbox WHERE account = ? AND id = ?", (tx.account, id_)).fetchone()
    out = text_of(row)
    reply = ""
    if row["turn"] is not None and row["purpose"] == Purpose.REPLY:
        query = "SELECT id, body FROM outbox WHERE account = ? AND turn = ? ORDER BY id"
        parts = tx.db.execute(query, (tx.account, row["turn"]))
        texts = (out.text if part["id"] == id_ else said_in(part["body"]) for part in parts if part["body"])
        reply = "\n".join(texts)
    return Chunk(row["id"], row["turn"], out, row["attempts"] + 1, reply, row["place"] == Place.BEGUN)


def _next_change(tx: Tx) -> list[int]:
    """When a thread that waits for a look-up is free again, or a reply that others may pass is due."""
    rows = tx.db.execute(
        "SELECT min(CASE look_ups WHEN 0 THEN settling_ms + ?2 ELSE settling_ms END) AS at_ms"
        " FROM outbox INDEXED BY moving_chunks"
        " WHERE account = ?1 AND settled_ms IS NULL"
        " AND state = 'unknown' AND state <> 'queued'"
        " UNION ALL SELECT min(min(due_ms, expires_ms)) FROM outbox INDEXED BY expiring_chunks"
        " WHERE account = ?1 AND settled_ms IS NULL AND expires_ms IS NOT NULL AND place = 2"
        " UNION ALL SELECT min(expires_ms) FROM outbox INDEXED BY expiring_chunks WHERE account = ?1"
        " AND settled_ms IS NULL AND expires_ms IS NOT NULL AND state = 'queued'",
        (tx.account, UNASKED_MS),
    )
    return [row["at_ms"] for row in rows if row["at_ms"] is not None]


def begin(
    tx: Tx, chunk_ids: Sequence[int], counted: Sequence[SentChunk] = (), session: str = ""
) -> frozenset[int]:
    """Mark chunks as on their way and count them for pacing, in one. Gives those still to be sent.

    `session` names the login under which they leave. From now on the other parts of their replies come first.
    """
    begun = {chunk_id for chunk_id in chunk_ids if _begin(tx, chunk_id, session)}
    for sent_chunk in counted:
        if sent_chunk.chunk in begun:
            send_log.note_send(tx, sent_chunk)
    return frozenset(begun)


def _begin(tx: Tx, chunk_id: int, session: str) -> bool:
    row = tx.db.execute(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, sent_ms = ?, session = ?,"
        " looked_up_ms = NULL, absent_ms = NULL, look_ups = 0, settling_ms = NULL, held_until_ms = NULL,"
        " place = 0, expires_ms = CASE WHEN turn IS NULL THEN expires_ms END, reason = ''"
        " WHERE id = ? AND account = ? AND state = 'queued' AND settled_ms IS NULL RETURNING turn",
        (tx.now_ms, session, chunk_id, tx.account),
    ).fetchone()
    if row is not None:
        tx.db.execute(
            "UPDATE outbox SET place = 0, expires_ms = NULL WHERE account = ? AND turn = ?"
            " AND settled_ms IS NULL AND place <> 0",
            (tx.account, row["turn"]),
        )
    return row is not None


@lazy
def hold(tx: Tx, holds: Mapping[int, Hold]) -> tuple[int, ...]:
    """Keep why chunks do not leave yet, for people to read. Gives the turns that nobody has to wait for.

    Those are the ones whose reply the guard against loops holds: until then it lets others pass, and it
    expires `TOO_LATE_MS` after the time until which it was first held.
    """
    turns = [_hold(tx, chunk_id, held) for chunk_id, held in holds.items()]
    return tuple(turn for turn in turns if turn is not None)


def _hold(tx: Tx, chunk_id: int, held: Hold) -> int | None:
    reason = f"held: {held.reason}"
    row = tx.db.execute(
        "UPDATE outbox SET held_until_ms = ?, reason = ? WHERE account = ? AND id = ? AND state = 'queued'"
        " AND settled_ms IS NULL RETURNING turn",
        (held.until_ms, reason, tx.account, chunk_id),
    ).fetchone()
    if row is None or not held.aside:
        return None
    tx.db.execute(
        "UPDATE outbox SET place = 2, due_ms = ?1, held_until_ms = ?1, reason = ?2,"
        " expires_ms = coalesce(expires_ms, ?1 + ?3) WHERE account = ?4 AND turn = ?5"
        " AND state = 'queued' AND settled_ms IS NULL",
        (held.until_ms, reason, TOO_LATE_MS, tx.account, row["turn"]),
    )
    turn: int | None = row["turn"]
    return turn


def put_back(tx: Tx, chunk_ids: Sequence[int]) -> None:
    """Chunks that were marked as on their way, and were not handed to the channel before a stop."""
    tx.db.executemany(
        "UPDATE outbox SET state = 'queued', attempts = attempts - 1 WHERE account = ? AND id = ?"
        " AND state = 'sending' AND settled_ms IS NULL",
        [(tx.account, chunk_id) for chunk_id in chunk_ids],
    )


@lazy
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


def refused(tx: Tx, chunk_id: int, reason: str) -> SendOutcome:
    """The platform said no: the rest of the reply is not sent."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'refused', reason = ?, settled_ms = ? WHERE account = ? AND id = ?"
        " AND settled_ms IS NULL RETURNING turn",
        (reason, tx.now_ms, tx.account, chunk_id),
    ).fetchone()
    if row is None or row["turn"] is None:
        return SendOutcome(None, "")
    cancel(tx, row["turn"], chunk_id, "an earlier part was refused")
    return SendOutcome(settle(tx, row["turn"]), delivery_summary(tx, row["turn"]))


def unknown(tx: Tx, chunk_id: int, lost: LostSend) -> SendOutcome:
    """It is unknown whether it arrived, unless the account saw its echo: the rest of the reply is held."""
    row = tx.db.execute(
        "SELECT turn, echo, resends FROM outbox WHERE account = ? AND id = ?", (tx.account, chunk_id)
    ).fetchone()
    if row["echo"]:
        return SendOutcome(sent(tx, chunk_id, Receipt((row["echo"],))), "")
    settles = lost.settle_ms and not lost.taken and not row["resends"]
    tx.db.execute(
        "UPDATE outbox SET state = 'unknown', reason = ?, taken = max(taken, ?), settling_ms = ?"
        " WHERE account = ? AND id = ? AND settled_ms IS NULL",
        (
            lost.reason,
            lost.taken,
            tx.now_ms + lost.settle_ms if settles else None,
            tx.account,
            chunk_id,
        ),
    )
    turn: int | None = row["turn"]
    if turn is not None and _was_recalled(tx, turn):
        tx.db.execute(
            "UPDATE outbox SET settled_ms = ? WHERE account = ? AND id = ?", (tx.now_ms, tx.account, chunk_id)
        )
        update_summary(tx, turn)
    elif turn is not None:
        tx.db.execute(
            "UPDATE outbox SET state = 'held' WHERE account = ? AND turn = ? AND state = 'queued'",
            (tx.account, turn),
        )
        mark(tx, turn, TurnState.NEEDS_DECISION, delivery_summary(tx, turn))
    return SendOutcome(turn, delivery_summary(tx, turn))


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
        update_summary(tx, row["turn"])


def is_receipt(tx: Tx, message_id: str, client_id: str = "") -> bool:
    """Whether the account sent the message of this id, or under this client id."""
    found = tx.db.execute(
        "SELECT 1 FROM receipts WHERE account = ? AND message_id = ?"
        " UNION ALL SELECT 1 FROM outbox WHERE account = ? AND client_id = ? AND attempts > 0",
        (tx.account, storable(message_id), tx.account, storable(client_id)),
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
    """A reply is made anew: delete what has not left of it."""
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
    if turn is None:
        return None
    query = "SELECT state, settled_ms FROM outbox WHERE account = ? AND turn = ?"
    rows = tx.db.execute(query, (tx.account, turn)).fetchall()
    if any(row["settled_ms"] is None for row in rows):
        return None
    whole = all(row["state"] == ChunkState.SENT for row in rows)
    state, reason = (TurnState.DONE, "") if whole else (TurnState.FAILED, delivery_summary(tx, turn))
    cursor = tx.db.execute(
        "UPDATE turns SET state = ?, reason = ?, settled_ms = ?"
        " WHERE account = ? AND turn = ? AND settled_ms IS NULL",
        (state, reason, tx.now_ms, tx.account, turn),
    )
    if not cursor.rowcount:
        update_summary(tx, turn)
        return None
    _use_context(tx, turn, arrived=any(row["state"] == ChunkState.SENT for row in rows))
    return turn


def use_context(tx: Tx, turn: int) -> None:
    """The group's history that went with a turn is used up if anything of the reply arrived, else kept."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND state = 'sent' LIMIT 1"
    _use_context(tx, turn, arrived=tx.db.execute(query, (tx.account, turn)).fetchone() is not None)


def _use_context(tx: Tx, turn: int, *, arrived: bool) -> None:
    if arrived:
        pending_history.consume(tx, turn)
    else:
        pending_history.give_back(tx, turn)


def mark(tx: Tx, turn: int, state: TurnState, reason: str) -> None:
    """Where an open turn stands now."""
    tx.db.execute(
        "UPDATE turns SET state = ?, reason = ? WHERE account = ? AND turn = ? AND settled_ms IS NULL",
        (state, reason, tx.account, turn),
    )
