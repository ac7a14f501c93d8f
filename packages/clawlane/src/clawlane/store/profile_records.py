"""What is kept of profiles (`credentials/profile_records.py`) where it is in the database.

A profile belongs to no account: an account may be given another one. What a running account stores is a
transition of it all the same, so that one which lost its account changes nothing.
"""

from __future__ import annotations

from clawlane.credentials.profile_records import Kind, Record, generation_of
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx

_ONE = "channel = ? AND profile = ? AND kind = ?"


def load(db: Database, record: Record) -> bytes | None:
    """The content of a record; None where there is none."""
    query = f"SELECT content FROM profile_records WHERE {_ONE}"  # noqa: S608 — our own
    row = db.execute(query, _key(record)).fetchone()
    return bytes(row[0]) if row else None


def names(db: Database, kind: Kind) -> list[Record]:
    """All records of a kind, in the order of channels and profiles."""
    query = "SELECT channel, profile FROM profile_records WHERE kind = ? ORDER BY channel, profile"
    return [Record(kind, row[0], row[1]) for row in db.execute(query, (str(kind),))]


def changed_ms(db: Database, record: Record) -> int | None:
    """When a record was stored last; None where there is none."""
    query = f"SELECT changed_ms FROM profile_records WHERE {_ONE}"  # noqa: S608 — our own
    row = db.execute(query, _key(record)).fetchone()
    return int(row[0]) if row else None


def put(db: Database, record: Record, content: bytes, now_ms: int) -> None:
    """Store a record, in place of any other."""
    generation = generation_of(content).decode("ascii", "replace") if record.kind is Kind.SESSION else ""
    db.execute(
        "INSERT INTO profile_records (channel, profile, kind, content, generation, changed_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, profile, kind) DO UPDATE SET"
        " content = excluded.content, generation = excluded.generation, changed_ms = excluded.changed_ms",
        (*_key(record), content, generation, now_ms),
    )


def remove(db: Database, record: Record) -> bool:
    """False if there was none."""
    found = db.execute(f"DELETE FROM profile_records WHERE {_ONE}", _key(record))  # noqa: S608 — our own
    return found.rowcount == 1


def replace(db: Database, record: Record, generation: bytes, content: bytes, now_ms: int) -> bool:
    """Store a session over one of the same generation. False where that is gone."""
    found = db.execute(
        f"UPDATE profile_records SET content = ?, changed_ms = ? WHERE {_ONE}"  # noqa: S608 — our own
        " AND generation = ?",
        (content, now_ms, *_key(record), generation.decode()),
    )
    return found.rowcount == 1


def refresh(tx: Tx, record: Record, generation: bytes, content: bytes) -> bool:
    """The same by the owner of the account that uses the profile."""
    return replace(tx.db, record, generation, content, tx.now_ms)


def put_by_owner(tx: Tx, record: Record, content: bytes) -> None:
    """Store a record by the owner of the account that uses the profile."""
    put(tx.db, record, content, tx.now_ms)


def _key(record: Record) -> tuple[str, str, str]:
    return record.channel, record.profile, str(record.kind)
