"""Transitions of pacing: what left an account and when, kept so that a restart does not renew its budgets."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store.codec import text_of, thread_of
from clawlane.store.records import Chunk
from clawlane.store.transaction import Tx

DAY_MS = 86_400_000
"""The longest time that a budget looks back."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One chunk that left. `digest` stands for its text, `gap_ms` is how long the account rests after it.

    `stranger` says that it went to a person who is not known to be a friend.
    """

    chunk: int
    thread: Thread
    at_ms: int
    digest: str
    stranger: bool
    gap_ms: int


@dataclass(frozen=True, slots=True)
class Head:
    """The next chunk of a thread that is queued, and how many there are with it."""

    chunk: Chunk
    waiting: int


def note_send(tx: Tx, sent: Sent) -> None:
    """Keep that a chunk leaves. One that is tried again counts once, at its last try."""
    tx.db.execute("DELETE FROM sends WHERE account = ? AND at_ms < ?", (tx.account, sent.at_ms - DAY_MS))
    tx.db.execute(
        "INSERT INTO sends (account, chunk, thread_kind, thread_id, at_ms, digest, stranger, gap_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, chunk) DO UPDATE SET at_ms = excluded.at_ms, gap_ms = excluded.gap_ms",
        (
            tx.account,
            sent.chunk,
            sent.thread.kind,
            sent.thread.id,
            sent.at_ms,
            sent.digest,
            sent.stranger,
            sent.gap_ms,
        ),
    )


def sends(tx: Tx) -> list[Sent]:
    """What left within the last day, in order."""
    rows = tx.db.execute(
        "SELECT * FROM sends WHERE account = ? AND at_ms > ? ORDER BY at_ms, chunk",
        (tx.account, tx.now_ms - DAY_MS),
    )
    return [
        Sent(
            chunk=row["chunk"],
            thread=thread_of(row),
            at_ms=row["at_ms"],
            digest=row["digest"],
            stranger=bool(row["stranger"]),
            gap_ms=row["gap_ms"],
        )
        for row in rows
    ]


def queued(tx: Tx) -> list[int]:
    """The chunks that wait to be sent."""
    rows = tx.db.execute(
        "SELECT id FROM outbox WHERE account = ? AND state = 'queued' AND settled_ms IS NULL",
        (tx.account,),
    )
    return [row["id"] for row in rows]


def heads(connection: sqlite3.Connection, account: str) -> list[Head]:
    """What waits to be sent: of each thread its next chunk."""
    rows = connection.execute(
        "SELECT *, min(id), count(*) AS waiting FROM outbox WHERE account = ? AND state = 'queued'"
        " AND settled_ms IS NULL GROUP BY thread_kind, thread_id ORDER BY min(id)",
        (account,),
    )
    return [
        Head(Chunk(row["id"], row["turn"], text_of(row), row["attempts"] + 1), row["waiting"]) for row in rows
    ]
