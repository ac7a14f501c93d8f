"""Turns that an agent elsewhere may answer later: the id under which each is asked, and the answer that came.

An answer waits here until its turn has run to the reply, also over a restart: the turn runs again under the
same id, and is not asked again once it is answered.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from clawlane.store.rows import change, exists, insert, of_accounts
from clawlane.store.sql import Database, Row
from clawlane.store.states import TurnState
from clawlane.store.transaction import Tx


class Fate(StrEnum):
    """What became of an answer that came later."""

    TAKEN = "taken"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Asked:
    """The id under which a turn is asked, and its answer, if that came already."""

    id: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose answer an id stands for."""

    account: str
    turn: int
    agent: str


def ask(tx: Tx, turn: int, run: int, agent: str) -> Asked | None:
    """Before a turn is given to an agent. It keeps its id over all its runs; None if this run is void."""
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND run = ? AND state = 'running'"
    if not exists(tx.db, query, tx.account, turn, run):
        return None
    row = _row(tx, turn)
    if row is not None and row["agent"] == agent:
        return Asked(row["id"], row["answer"] or None)
    begin_anew(tx, turn)
    id_ = f"turn_{secrets.token_hex(16)}"
    insert(tx, "callbacks", turn=turn, id=id_, agent=agent)
    return Asked(id_, None)


def answer(tx: Tx, turn: int, run: int, text: str) -> str:
    """Keep what an agent answered at once, unless its answer came another way. Gives the one that counts."""
    row = _row(tx, turn)
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND run = ? AND state = 'running'"
    if row is None or not exists(tx.db, query, tx.account, turn, run):
        return text
    if row["answered_ms"] is None:
        change(tx, "callbacks", {"turn": turn}, answer=text, answered_ms=tx.now_ms)
        return text
    return row["answer"] or text


def answered(tx: Tx, turn: int) -> str | None:
    """The answer of a turn, if it came."""
    row = _row(tx, turn)
    return row["answer"] or None if row else None


def take(tx: Tx, id_: str, text: str) -> Fate:
    """Keep an answer that came later, which counts once, and as long as its turn is open."""
    row = tx.db.execute(
        "SELECT turn, answered_ms, state FROM callbacks LEFT JOIN turns USING (account, turn)"
        " WHERE account = ? AND id = ?",
        (tx.account, id_),
    ).fetchone()
    if row is None:
        return Fate.UNKNOWN
    if row["answered_ms"] is not None:
        return Fate.ANSWERED
    if row["state"] not in (TurnState.WAITING, TurnState.RUNNING):
        return Fate.OVER
    change(tx, "callbacks", {"turn": row["turn"]}, answer=text, answered_ms=tx.now_ms)
    return Fate.TAKEN


def begin_anew(tx: Tx, turn: int) -> None:
    """What this turn asks has changed, or it is asked once more: another id, and no answer to the old one."""
    tx.db.execute("DELETE FROM callbacks WHERE account = ? AND turn = ?", (tx.account, turn))


def forget_answer(tx: Tx, turn: int) -> None:
    """Delete what was answered. That it was stays."""
    change(tx, "callbacks", {"turn": turn}, answer="")


def find(connection: Database, id_: str) -> Place | None:
    """Whose answer an id stands for; None for an unknown one."""
    query = "SELECT account, turn, agent FROM callbacks WHERE account = ? AND id = ?"
    row = next(iter(of_accounts(connection, query, id_)), None)
    return Place(row["account"], row["turn"], row["agent"]) if row else None


def _row(tx: Tx, turn: int) -> Row | None:
    query = "SELECT * FROM callbacks WHERE account = ? AND turn = ?"
    row: Row | None = tx.db.execute(query, (tx.account, turn)).fetchone()
    return row
