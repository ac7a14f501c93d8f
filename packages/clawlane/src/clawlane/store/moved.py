"""The marks that a move leaves in a store: that it has gone elsewhere, or that it is not complete yet.

They stand among the properties, so that they are committed together with what they are about.
"""

from __future__ import annotations

import msgspec

from clawlane.store.errors import StoreUnusable
from clawlane.store.sql import Database
from clawlane.texts import later

MOVED, ARRIVING = "moved", "arriving"
"""Names of properties: of a store that was moved away, and of one that a move has not completed."""

_VALUE = "SELECT value FROM properties WHERE name = ?"
_MARKED = f"SELECT 1 FROM properties WHERE name IN ('{MOVED}', '{ARRIVING}') LIMIT 1"  # noqa: S608 — our own


class Moved(msgspec.Struct, frozen=True):
    """Where a store is now, in words for people, and since when."""

    to: str
    at_ms: int


class Arriving(msgspec.Struct, frozen=True):
    """How far a move into a store is.

    `of` is the id of the store that moves, `began` what it was like then (see `moving.begun`). All up to the
    row with the key `after` of `table` is copied; `rows` counts it. It is `checked` once it was compared.
    """

    of: str
    began: str
    table: str = ""
    after: list[int | str] = []
    rows: int = 0
    checked: bool = False


def moved(db: Database) -> Moved | None:
    """Where a store has gone; None for one that is in force."""
    row = db.execute(_VALUE, (MOVED,)).fetchone()
    return msgspec.json.decode(row[0], type=Moved) if row else None


def arriving(db: Database) -> Arriving | None:
    """How far the move into a store is; None for one that is complete."""
    row = db.execute(_VALUE, (ARRIVING,)).fetchone()
    return msgspec.json.decode(row[0], type=Arriving) if row else None


def check(db: Database, where: str) -> None:
    """Check that a store is in force. Raises `StoreUnusable` for one that was moved, or is not complete."""
    if db.execute(_MARKED).fetchone() is None:  # as nearly always: one question
        return
    if (gone := moved(db)) is not None:
        told = later(
            "the store {where} was moved to {to}; let `store` in the config lead there, or go on with this"
            " one as it was then: openclaw store migrate --undo",
            where=where,
            to=gone.to,
        )
        raise StoreUnusable(told)
    if arriving(db) is not None:
        told = later(
            "the move into the store {where} was cut off; run the same `openclaw store migrate` again, with"
            " the config from before",
            where=where,
        )
        raise StoreUnusable(told)


def written(mark: Moved | Arriving) -> str:
    """A mark as it is stored."""
    return msgspec.json.encode(mark).decode()
