"""What every transition of the store is given first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass


def _nothing() -> None:
    """Nobody has to be told."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One change of one account (`channel/id`) at one time, inside an open transaction.

    `scrub` asks for what was deleted to leave the write-ahead log as well, soon after the commit.
    """

    db: sqlite3.Connection
    account: str
    now_ms: int
    scrub: Callable[[], None] = _nothing


def next_number(tx: Tx, name: str) -> int:
    """The next number of a `message` or a `chunk`; it rises over all accounts and so names its account."""
    query = "UPDATE numbers SET last = last + 1 WHERE name = ? RETURNING last"
    return int(tx.db.execute(query, (name,)).fetchone()["last"])
