"""What became of a reply, in words: which of its parts arrived, and which did not and why."""

from __future__ import annotations

import sqlite3
from itertools import groupby

from clawlane.store.records import ChunkState
from clawlane.store.transaction import Tx

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


def told(tx: Tx, turn: int | None) -> str:
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


def retell(tx: Tx, turn: int | None) -> None:
    """Say anew what has left of the reply to a recalled message, once something is known of it."""
    reply = told(tx, turn)
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
