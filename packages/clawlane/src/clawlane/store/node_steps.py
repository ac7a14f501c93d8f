"""What a node tells of a request that goes on for long: rows that whoever asked reads and removes.

Whoever asked is heard of every few seconds, and takes the request away when it has enough. So a node that
goes on telling learns whether anybody listens.
"""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.store import node_requests
from clawlane.store.errors import RequestRefused
from clawlane.store.node_requests import LONGEST_ANSWER, TAKEN
from clawlane.store.sql import Database
from clawlane.texts import later

MOST_UNREAD = 400
"""Steps that wait to be read before no more are told."""

SILENT_MS = 30_000
"""How long whoever asked may not be heard of."""

_AT_ONCE = 100
"""Steps that are read at once."""


def tell(db: Database, _now_ms: int, id_: str, instance: str, after: int, steps: Sequence[str]) -> int | None:
    """Add steps, as JSON, behind the first `after` of a request that this run has taken.

    Gives how many wait to be read, and None where nobody listens any more: the request is gone then. Raises
    `RequestRefused` for a step that is too long.
    """
    for step in steps:
        if (size := len(step.encode())) > LONGEST_ANSWER:
            told = later("a step has {size} KiB, and at most {most} KiB go from one node to another")
            raise RequestRefused(later(told, size=size // 1024, most=LONGEST_ANSWER // 1024))
    taken = "SELECT heard_ms FROM node_requests WHERE id = ? AND state = ? AND instance = ?"
    row = db.execute(taken, (id_, TAKEN, instance)).fetchone()
    if row is None:
        return None
    if row["heard_ms"] < db.clock_ms() - SILENT_MS:
        node_requests.remove(db, _now_ms, id_)
        return None
    for number, step in enumerate(steps, after + 1):
        db.execute("INSERT INTO node_steps (request, number, step) VALUES (?, ?, ?)", (id_, number, step))
    unread = db.execute("SELECT count(*) AS n FROM node_steps WHERE request = ?", (id_,)).fetchone()
    return int(unread["n"])


def hear(db: Database, _now_ms: int, id_: str, read: int) -> None:
    """Say that somebody listens, and has read the steps up to this number."""
    db.execute("DELETE FROM node_steps WHERE request = ? AND number <= ?", (id_, read))
    db.execute("UPDATE node_requests SET heard_ms = ? WHERE id = ?", (db.clock_ms(), id_))


def unread(db: Database, id_: str, after: int) -> list[tuple[int, str]]:
    """The next steps after that number, each with its own."""
    rows = db.execute(
        "SELECT number, step FROM node_steps WHERE request = ? AND number > ? ORDER BY number LIMIT ?",
        (id_, after, _AT_ONCE),
    )
    return [(row["number"], row["step"]) for row in rows]
