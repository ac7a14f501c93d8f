"""Transitions of pacing: what left an account and when, kept so that a restart does not renew its budgets."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store.codec import thread_of
from clawlane.store.models import Place
from clawlane.store.rows import put, value_of
from clawlane.store.sql import Database
from clawlane.store.told import HeldThread
from clawlane.store.transaction import Tx

DAY_MS = 86_400_000
"""The longest time that a budget looks back."""


@dataclass(frozen=True, slots=True)
class SentChunk:
    """One chunk that left. `gap_ms` is how long the account rests after it.

    `stranger` says that it went to a person who is not known to be a friend. `turn` is that of an agent's
    reply, or the `Chunk.text_id` of what a tool sends, whose whole text `digest` stands for; None for
    everything else.
    """

    chunk: int
    thread: Thread
    at_ms: int
    digest: str
    stranger: bool
    gap_ms: int
    turn: int | None = None


def note_send(tx: Tx, sent: SentChunk) -> None:
    """Keep that a chunk leaves. One that is tried again counts once, at its last try."""
    tx.db.execute("DELETE FROM sends WHERE account = ? AND at_ms < ?", (tx.account, sent.at_ms - DAY_MS))
    put(
        tx,
        "sends",
        {"chunk": sent.chunk},
        thread_kind=sent.thread.kind,
        thread_id=sent.thread.id,
        at_ms=sent.at_ms,
        digest=sent.digest,
        stranger=sent.stranger,
        gap_ms=sent.gap_ms,
        turn=sent.turn,
    )


def sends(tx: Tx) -> list[SentChunk]:
    """What left within the last day, in order."""
    return left_since(tx.db, tx.account, tx.now_ms - DAY_MS)


def left_since(connection: Database, account: str, since_ms: int) -> list[SentChunk]:
    """What left since a time, in order; of the last day at most."""
    query = "SELECT * FROM sends WHERE account = ? AND at_ms > ? ORDER BY at_ms, chunk"
    rows = connection.execute(query, (account, since_ms))
    return [value_of(SentChunk, row, thread=thread_of(row), stranger=bool(row["stranger"])) for row in rows]


def reply_count(connection: Database, account: str, since_ms: int) -> int:
    """How many replies left since a time. What is no reply counts as one: a code, a reaction."""
    query = "SELECT count(DISTINCT turn) + count(*) - count(turn) FROM sends WHERE account = ? AND at_ms > ?"
    return int(connection.execute(query, (account, since_ms)).fetchone()[0])


def open_chunks(tx: Tx) -> list[int]:
    """The chunks that are not settled: they wait to be sent, or may still have to be sent again."""
    rows = tx.db.execute(
        "SELECT id FROM outbox WHERE account = ? AND settled_ms IS NULL",
        (tx.account,),
    )
    return [row["id"] for row in rows]


def held(connection: Database, account: str, now_ms: int) -> list[HeldThread]:
    """What pacing holds of an account, as the gateway noted it: by thread, the first chunk of each reply."""
    rows = connection.execute(
        "SELECT *, (SELECT count(*) FROM outbox AS other WHERE other.account = chunk.account"
        "  AND other.thread_kind = chunk.thread_kind AND other.thread_id = chunk.thread_id"
        "  AND other.settled_ms IS NULL AND other.state = 'queued') AS chunks FROM outbox AS chunk"
        " WHERE account = ? AND state = 'queued' AND settled_ms IS NULL AND held_until_ms > ?"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.account = chunk.account"
        "  AND (earlier.turn = chunk.turn OR (earlier.by_turn = chunk.by_turn AND earlier.step = chunk.step"
        "   AND earlier.call = chunk.call)) AND earlier.id < chunk.id AND earlier.state = 'queued'"
        "  AND earlier.settled_ms IS NULL AND earlier.held_until_ms > ?) ORDER BY id",
        (account, now_ms, now_ms),
    )
    return [
        value_of(
            HeldThread,
            row,
            thread=thread_of(row),
            reason=row["reason"].removeprefix("held: "),
            until_ms=row["held_until_ms"],
            aside=row["place"] == Place.ASIDE,
        )
        for row in rows
    ]
