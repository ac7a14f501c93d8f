"""What one gateway is asked to do for another, or for a command: rows that the node of an account polls.

A row is taken once, by the run that works under the name of the node, and only while it waits. Who asked
removes it, once it has read the answer or before it was taken; what is left where that was killed goes after
an hour. All times are those of the database's clock.
"""

from __future__ import annotations

import json

import msgspec

from clawlane.store import nodes
from clawlane.store.errors import RequestRefused
from clawlane.store.sql import Database, Row
from clawlane.texts import later

NEW, TAKEN, DONE = "new", "taken", "done"

LONGEST_REQUEST = 512 * 1024
"""Bytes of one request. An answer that an agent elsewhere posts has at most half of that."""

LONGEST_ANSWER = 4 << 20
"""Bytes of one answer."""

MOST_OPEN = 64
"""Requests that wait for one node, or are being carried out by it."""

WAITS_MS = 10_000
"""How long a request may be taken."""

OPEN_MS = 60_000
"""How long one that was taken counts as open: nobody waits for its answer any more."""

KEPT_MS = 3_600_000
"""How long a row stays that nobody removes, since whoever asked was last heard of."""


class Asked(msgspec.Struct, frozen=True):
    """A request: `operation` and its request as JSON, for the accounts (`channel/id`) that it is about.

    `caller` and `locale` are those of whoever asked, `asker` the node or command that does so for them.
    """

    id: str
    node: str
    operation: str
    request: str
    accounts: tuple[str, ...]
    caller: str
    locale: str = ""
    asker: str = ""


class Progress(msgspec.Struct, frozen=True):
    """How far a request is. `there` says whether the run that has it, or is to take it, is still there."""

    state: str
    there: bool
    answer: str = ""


def ask(db: Database, _now_ms: int, asked: Asked) -> None:
    """Let a node find a request. Raises `RequestRefused` for one that is too long, and one too many."""
    _check_size(asked)
    now_ms = db.clock_ms()
    tidy(db, now_ms)
    is_open = db.execute(
        "SELECT count(*) AS n FROM node_requests WHERE node = ? AND ((state = ? AND until_ms > ?)"
        " OR (state = ? AND heard_ms > ?))",
        (asked.node, NEW, now_ms, TAKEN, now_ms - OPEN_MS),
    ).fetchone()
    if is_open["n"] >= MOST_OPEN:
        told = later("node {name} has {n} requests to carry out, and takes no more; try again in a minute")
        raise RequestRefused(later(told, name=asked.node, n=is_open["n"]))
    db.execute(
        "INSERT INTO node_requests (id, node, operation, request, accounts, caller, locale, asker, asked_ms,"
        " heard_ms, until_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            asked.id,
            asked.node,
            asked.operation,
            asked.request,
            json.dumps(asked.accounts),
            asked.caller,
            asked.locale,
            asked.asker,
            now_ms,
            now_ms,
            now_ms + WAITS_MS,
            NEW,
        ),
    )


def take(db: Database, _now_ms: int, node: str, instance: str) -> Asked | None:
    """The oldest request that waits for a node, taken for this run of it; None where none does.

    A run that has lost its name takes nothing. Of two that look at once, one finds the row changed, and
    nothing to do.
    """
    row = db.execute(
        "UPDATE node_requests SET state = ?, instance = ? WHERE state = ? AND until_ms > ? AND id ="
        " (SELECT id FROM node_requests WHERE node = ? AND state = ? AND until_ms > ?"
        " ORDER BY asked_ms, id LIMIT 1)"
        " AND EXISTS (SELECT 1 FROM nodes WHERE name = ? AND instance = ?) RETURNING *",
        (TAKEN, instance, NEW, now_ms := db.clock_ms(), node, NEW, now_ms, node, instance),
    ).fetchone()
    return None if row is None else _asked(row)


def answer(db: Database, _now_ms: int, id_: str, instance: str, said: str) -> bool:
    """Say what came of a request that this run has taken. False where nobody waits for it any more.

    Raises `RequestRefused` for an answer that is too long.
    """
    if (size := len(said.encode())) > LONGEST_ANSWER:
        told = later("the answer has {size} KiB, and at most {most} KiB go from one node to another")
        raise RequestRefused(later(told, size=size // 1024, most=LONGEST_ANSWER // 1024))
    answered = db.execute(
        "UPDATE node_requests SET state = ?, answer = ? WHERE id = ? AND state = ? AND instance = ?",
        (DONE, said, id_, TAKEN, instance),
    )
    return bool(answered.rowcount)


def withdraw(db: Database, _now_ms: int, id_: str) -> bool:
    """Nobody waits for a request any more. Gives whether nothing was done, and nothing will be."""
    kept = db.execute("DELETE FROM node_requests WHERE id = ? AND state = ?", (id_, NEW))
    return bool(kept.rowcount)


def remove(db: Database, _now_ms: int, id_: str) -> None:
    """Remove a request whose answer was read, or that is not wanted any more, whatever was done of it."""
    db.execute("DELETE FROM node_steps WHERE request = ?", (id_,))
    db.execute("DELETE FROM node_requests WHERE id = ?", (id_,))


def tidy(db: Database, _now_ms: int) -> None:
    """Remove what nobody has removed."""
    db.execute("DELETE FROM node_requests WHERE heard_ms < ?", (db.clock_ms() - KEPT_MS,))
    db.execute("DELETE FROM node_steps WHERE request NOT IN (SELECT id FROM node_requests)")


def wait_for(db: Database, node: str) -> bool:
    """Whether a request waits for a node."""
    waits = "SELECT 1 FROM node_requests WHERE node = ? AND state = ? AND until_ms > ? LIMIT 1"
    return db.execute(waits, (node, NEW, db.clock_ms())).fetchone() is not None


def progress(db: Database, id_: str) -> Progress | None:
    """How far a request is; None where it is not there any more."""
    row = db.execute("SELECT * FROM node_requests WHERE id = ?", (id_,)).fetchone()
    if row is None:
        return None
    node = next((one for one in nodes.listed(db) if one.name == row["node"]), None)
    there = node is not None and node.alive and row["instance"] in ("", node.instance)
    return Progress(row["state"], there, row["answer"])


def _check_size(asked: Asked) -> None:
    if (size := len(asked.request.encode())) > LONGEST_REQUEST:
        told = later("the request has {size} KiB, and at most {most} KiB go from one node to another")
        raise RequestRefused(later(told, size=size // 1024, most=LONGEST_REQUEST // 1024))


def _asked(row: Row) -> Asked:
    names = ("id", "node", "operation", "request", "caller", "locale", "asker")
    values = {name: row[name] for name in names}
    return Asked(**values, accounts=tuple(json.loads(row["accounts"])))
