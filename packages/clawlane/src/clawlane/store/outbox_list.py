"""What stands in the outbox, for the operator."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store.codec import thread_of
from clawlane.store.records import ChunkState

_NEWEST = 50
"""How many chunks are listed that did not arrive and are past deciding."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One chunk. `part` of `parts` is its place in its reply; a challenge or notice answers no message.

    `sent_ms` is when it was last given to the channel, `looked_up_ms` when the platform was asked about it.
    Until `settling_ms` look-ups may settle its unknown fate; until `held_until_ms` pacing holds it.
    """

    id: int
    account: str
    thread: Thread
    answers: str
    part: int
    parts: int
    state: ChunkState
    reason: str
    text: str
    tries: int
    created_ms: int
    sent_ms: int | None
    looked_up_ms: int | None
    settling_ms: int | None = None
    held_until_ms: int | None = None

    @property
    def needs_decision(self) -> bool:
        """Whether only the operator can say what becomes of it: look-ups do not settle it any more."""
        return self.state is ChunkState.UNKNOWN and self.settling_ms is None


_PARTS = (
    "SELECT chunk.*, messages.message_id,"
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn) AS parts,"
    " (SELECT count(*) FROM outbox WHERE account = chunk.account AND turn = chunk.turn"
    "  AND id <= chunk.id) AS part FROM outbox AS chunk"
    " LEFT JOIN messages ON messages.account = chunk.account AND messages.seq = chunk.turn"
)


def listed(connection: sqlite3.Connection, *, settled: bool) -> list[Listed]:
    """What is open, over all accounts, in order; with `settled` also the newest that did not arrive."""
    rows = connection.execute(f"{_PARTS} WHERE chunk.settled_ms IS NULL ORDER BY chunk.id").fetchall()
    if settled:
        rows += connection.execute(
            f"{_PARTS} WHERE chunk.state IN ('refused', 'cancelled', 'expired')"
            " ORDER BY chunk.id DESC LIMIT ?",
            (_NEWEST,),
        ).fetchall()
    return [_listed(row) for row in sorted(rows, key=lambda row: int(row["id"]))]


def account_of(connection: sqlite3.Connection, chunk_id: int) -> str | None:
    """Whose chunk that is (`channel/id`)."""
    row = connection.execute(
        "SELECT outbox.account FROM accounts CROSS JOIN outbox"
        " ON outbox.account = accounts.account AND outbox.id = ?",
        (chunk_id,),
    ).fetchone()
    return str(row["account"]) if row else None


def _listed(row: sqlite3.Row) -> Listed:
    columns = dict(row)  # a store that no newer gateway has opened yet lacks the later ones
    return Listed(
        id=row["id"],
        account=row["account"],
        thread=thread_of(row),
        answers=row["message_id"] or "",
        part=row["part"] or 1,
        parts=row["parts"] or 1,
        state=ChunkState(row["state"]),
        reason=row["reason"],
        text=json.loads(row["body"])["text"] if row["body"] else "",
        tries=row["attempts"],
        created_ms=row["created_ms"],
        sent_ms=columns.get("sent_ms"),
        looked_up_ms=columns.get("looked_up_ms"),
        settling_ms=columns.get("settling_ms"),
        held_until_ms=columns.get("held_until_ms"),
    )
