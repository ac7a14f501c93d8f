"""How far each webhook has been told what happened. These changes are of the whole store, of no account.

A webhook has a position in the event feed, and nothing else waits for it: what it was not told yet stands in
the tables of the feed. It is known by a digest of its address, which may hold a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clawlane.store import events
from clawlane.store.codec import storable
from clawlane.store.rows import value_of
from clawlane.store.sql import Database
from clawlane.store.transaction import lazy

FIRST_WAIT_MS, LONGEST_WAIT_MS = 1000, 3_600_000
GIVE_UP_MS = 86_400_000
"""How old an event is, at most, that is still tried."""

FEWEST_TRIES = 12
"""So many tries, about an hour of them, come first: neither sleep nor a clock that jumps counts as a day."""

_LONGEST_ERROR = 200
_ONWARD = "position = max(position, ?)"
"""The operator may have dropped events meanwhile: it never goes back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a webhook is: the number of the last event that it took, or is not told.

    `tries` have failed since `failing_ms`, the last one with `error`; the next is due at `due_ms`. `given_up`
    counts events that it never got; that it `missed` so many, or that retention `truncated` some, it was not
    told yet.
    """

    key: str
    position: int
    taken_ms: int | None
    tries: int
    error: str
    failing_ms: int | None
    due_ms: int
    given_up: int
    missed: int
    truncated: int


def key_of(url: str) -> str:
    """By what the webhook of an address is known."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def follow(db: Database, now_ms: int, keys: Sequence[str]) -> None:  # noqa: ARG001
    """Keep exactly these webhooks, and try each at once. A new one is told what happens from now on."""
    db.execute("UPDATE webhooks SET due_ms = 0")
    for row in db.execute("SELECT key FROM webhooks").fetchall():
        if row["key"] not in keys:
            db.execute("DELETE FROM webhooks WHERE key = ?", (row["key"],))
    query = "INSERT INTO webhooks (key, position) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
    db.executemany(query, [(key, events.newest(db)) for key in keys])


def standings(db: Database) -> dict[str, Standing]:
    """How far each one is, by its key."""
    found = (value_of(Standing, row) for row in db.execute("SELECT * FROM webhooks"))
    return {one.key: one for one in found}


@lazy
def passed(db: Database, now_ms: int, key: str, number: int) -> None:  # noqa: ARG001
    """Nothing up to this event was for it."""
    _change(db, key, _ONWARD, number)


@lazy
def taken(db: Database, now_ms: int, key: str, number: int) -> None:
    """It has taken this event."""
    told = f"{_ONWARD}, taken_ms = ?, tries = 0, error = '', failing_ms = NULL, missed = 0, truncated = 0"
    _change(db, key, told, number, now_ms)


def failed(db: Database, now_ms: int, key: str, error: str, jitter: float) -> int:
    """It did not take what it was told. Gives how many tries have failed by now.

    `jitter` from 0 to 1 adds up to a tenth to the wait.
    """
    row = db.execute("SELECT tries FROM webhooks WHERE key = ?", (key,)).fetchone()
    tries = row["tries"] if row else 0
    wait_ms = min(FIRST_WAIT_MS * 2 ** min(tries, 20), LONGEST_WAIT_MS)
    due_ms = now_ms + int(wait_ms * (1 + 0.1 * jitter))
    told = "tries = tries + 1, error = ?, due_ms = ?, failing_ms = coalesce(failing_ms, ?)"
    _change(db, key, told, storable(error)[:_LONGEST_ERROR], due_ms, now_ms)
    return tries + 1


def truncated(db: Database, now_ms: int, key: str) -> None:  # noqa: ARG001
    """Retention has taken events before it was told of them."""
    _change(db, key, "truncated = 1")


def give_up(db: Database, now_ms: int, key: str, number: int, count: int) -> None:  # noqa: ARG001
    """It is not told of so many events, the last one of which is this."""
    told = f"{_ONWARD}, given_up = given_up + ?, missed = missed + ?"
    _change(db, key, told, number, count, count)


def retry(db: Database, now_ms: int, keys: Collection[str]) -> int:  # noqa: ARG001
    """Try those of these again at once that fail. Gives how many do."""
    return sum(_change(db, key, "due_ms = 0", where="tries > 0") for key in keys)


def drop(db: Database, now_ms: int, key: str, number: int, count: int) -> bool:
    """Do not tell one that fails of so many events up to this one. False if it does not fail any more."""
    query = "SELECT 1 FROM webhooks WHERE key = ? AND tries > 0 AND position < ?"
    if db.execute(query, (key, number)).fetchone() is None:
        return False
    give_up(db, now_ms, key, number, count)
    _change(db, key, "due_ms = 0")
    return True


def _change(db: Database, key: str, told: str, *values: object, where: str = "TRUE") -> int:
    query = f"UPDATE webhooks SET {told} WHERE key = ? AND {where}"  # noqa: S608 — our own text only
    return db.execute(query, (*values, key)).rowcount
