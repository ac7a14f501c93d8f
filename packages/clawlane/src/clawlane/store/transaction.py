"""What every transition of the store is given first, and what all of them share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

Transition = TypeVar("Transition", bound=Callable[..., Any])


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


def lazy(transition: Transition) -> Transition:
    """Mark a transition that need not reach the disk at once.

    What a power cut takes of it is done again or looked up after the restart.
    """
    transition.lazy = True  # type: ignore[attr-defined]
    return transition


def is_lazy(transition: Callable[..., Any]) -> bool:
    """Whether a transition is marked `lazy`."""
    return getattr(transition, "lazy", False)


def next_number(tx: Tx, name: str) -> int:
    """The next number of a `message` or a `chunk`; it rises over all accounts and so names its account."""
    query = "UPDATE numbers SET last = last + 1 WHERE name = ? RETURNING last"
    return int(tx.db.execute(query, (name,)).fetchone()["last"])


def count(tx: Tx, what: str, by: int = 1) -> None:
    """Add to one of the account's counters, as the status shows them."""
    tx.db.execute(
        "INSERT INTO counters (account, reason, n) VALUES (?, ?, ?)"
        " ON CONFLICT (account, reason) DO UPDATE SET n = counters.n + excluded.n",
        (tx.account, what, by),
    )


_STEP_MS = 15_000
"""How precisely the latest time is kept: not every change is worth a write."""

_JITTER_MS = 10_000
"""The clock may be corrected by as much without a consequence."""


def note_time(tx: Tx, latest_ms: int) -> bool:
    """Before a change: keep its time, or move the times of pairing when it is earlier than `latest_ms`.

    True if something was written.
    """
    if latest_ms - tx.now_ms > _JITTER_MS:
        _move_back(tx, latest_ms - tx.now_ms)
    elif tx.now_ms - latest_ms <= _STEP_MS:
        return False
    tx.db.execute(
        "INSERT INTO accounts (account, last_seen_ms) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_seen_ms = excluded.last_seen_ms",
        (tx.account, tx.now_ms),
    )
    return True


def _move_back(tx: Tx, by_ms: int) -> None:
    by = {"account": tx.account, "by": by_ms}
    tx.db.execute(
        "UPDATE pairing SET created_ms = created_ms - :by, expires_ms = expires_ms - :by,"
        " texted_ms = texted_ms - :by WHERE account = :account",
        by,
    )
    tx.db.execute(
        "UPDATE rejected SET rejected_ms = rejected_ms - :by, until_ms = until_ms - :by"
        " WHERE account = :account",
        by,
    )
    tx.db.execute("UPDATE lapsed SET at_ms = at_ms - :by WHERE account = :account", by)
    tx.db.execute(
        "UPDATE outbox SET created_ms = created_ms - :by, expires_ms = expires_ms - :by"
        " WHERE account = :account AND turn IS NULL AND purpose = 'challenge'",
        by,
    )


def forget_texts(tx: Tx, messages: Iterable[int]) -> None:
    """Remove the bodies of messages. The pages are overwritten (`secure_delete`)."""
    tx.db.executemany(
        "UPDATE messages SET body = NULL WHERE account = ? AND seq = ?",
        [(tx.account, seq) for seq in messages],
    )
