"""Transitions of pinning: what the one look-up of each name in the config came to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clawlane.access.pins import Match, Name, NameList, Pin
from clawlane.store.codec import storable
from clawlane.store.transaction import Tx


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A completed look-up. `names` are what those of `pin.ids` were called then, in the same order."""

    pin: Pin
    names: tuple[str, ...]


def keep(tx: Tx, looked_up: Sequence[LookedUp]) -> None:
    """Record completed look-ups, in the place of older ones of the same names."""
    query = "SELECT coalesce(max(position), 0) AS last FROM pins WHERE account = ?"
    first = tx.db.execute(query, (tx.account,)).fetchone()["last"] + 1
    tx.db.executemany(
        "INSERT INTO pins (account, list, entry, found, candidates, found_by, at_ms, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, list, entry) DO UPDATE SET"
        " found = excluded.found, candidates = excluded.candidates, found_by = excluded.found_by,"
        " at_ms = excluded.at_ms, position = excluded.position",
        [(*_row(tx.account, one), position) for position, one in enumerate(looked_up, first)],
    )


def forget(tx: Tx, names: Iterable[Name]) -> None:
    """Remove the names that have left the config, or that are to be looked up anew."""
    tx.db.executemany(
        "DELETE FROM pins WHERE account = ? AND list = ? AND entry = ?",
        [(tx.account, name.where, name.entry) for name in names],
    )


def of_account(connection: sqlite3.Connection, account: str) -> list[LookedUp]:
    """Every completed look-up of an account."""
    rows = connection.execute(
        "SELECT list, entry, candidates, found_by, at_ms FROM pins WHERE account = ?"
        " ORDER BY position, list, entry",
        (account,),
    )
    return [_looked_up(*row) for row in rows]


def _row(account: str, one: LookedUp) -> tuple[object, ...]:
    pin = one.pin
    candidates = [(storable(id), storable(name)) for id, name in zip(pin.ids, one.names, strict=True)]
    return (
        account,
        pin.name.where,
        pin.name.entry,
        pin.state,
        json.dumps(candidates),
        pin.match,
        pin.at_ms,
    )


def _looked_up(where: str, entry: str, candidates: str, match: str, at_ms: int) -> LookedUp:
    told = json.loads(candidates)
    name = Name(NameList(where), entry)
    pin = Pin(name, tuple(id for id, _ in told), Match(match), at_ms)
    return LookedUp(pin, tuple(called for _, called in told))
