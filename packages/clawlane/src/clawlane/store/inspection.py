"""What is told of a store as a whole: how much it holds, and whom it knows. Nothing is written."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from clawlane.store.moved import moved
from clawlane.store.sql import Database

_MOST = 20_000
"""Rows that are read of one column."""

_TABLE = re.compile(r"(?!sqlite_)[a-z_]+")
_GROUP_IDS = (
    ("known_groups", "group_id"),
    ("messages", "thread_id", "thread_kind = 'group'"),
    ("history", "thread_id", "thread_kind = 'group'"),
    ("sessions", "thread_id", "thread_kind = 'group'"),
)
_PERSON_IDS = (
    ("known_people", "user_id"),
    ("accounts", "user_id"),
    ("pairing", "sender_id"),
    ("approved", "sender_id"),
    ("rejected", "sender_id"),
    ("lapsed", "sender_id"),
    ("messages", "sender_id"),
)
_NAMES = (
    ("known_people", "name"),
    ("known_people", "aliases"),
    ("known_groups", "name"),
    ("pairing", "sender_name"),
    ("approved", "sender_name"),
    ("rejected", "sender_name"),
    ("pins", "entry"),
    ("pins", "candidates"),
)


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """How a store is. `rows` are by table, `states` by table and state, `counters` by reason.

    `migration` is that of its tables, 0 without any. `check` is what the engine finds wrong, empty for
    nothing; `problem` is why something could not be asked. A database counts no pages: `size` is in bytes.
    `oldest_ms` is when the oldest message came, `round_trip_ms` how long one question takes, and `moved_to`
    where the store has gone, if it is in force no more.
    """

    migration: int = 0
    page_size: int = 0
    pages: int = 0
    free_pages: int = 0
    size: int = 0
    server: str = ""
    oldest_ms: int | None = None
    round_trip_ms: float = 0
    moved_to: str | None = None
    check: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    states: dict[str, dict[str, int]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Identities:
    """Ids of people and groups that a store knows, and names, in the order in which they are found."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def counted(db: Database, tables: Iterable[str]) -> StoreFacts:
    """How much is in these tables."""
    known = sorted(name for name in tables if _TABLE.fullmatch(name))
    states: dict[str, dict[str, int]] = {
        table: {
            str(row[0]): int(row[1])
            for row in db.execute(f"SELECT state, count(*) FROM {table} GROUP BY state")  # noqa: S608
        }
        for table in ("turns", "outbox", "drafts")
        if table in known
    }
    by_reason = "SELECT reason, sum(n) FROM counters GROUP BY reason"
    counters = db.execute(by_reason) if "counters" in known else ()
    first = "SELECT min(admitted_ms) FROM messages"
    oldest = db.execute(first).fetchone()[0] if "messages" in known else None
    gone = moved(db) if "properties" in known else None
    return StoreFacts(
        migration=number(db, "SELECT coalesce(max(number), 0) FROM migrations")
        if "migrations" in known
        else 0,
        rows={name: number(db, f"SELECT count(*) FROM {name}") for name in known},  # noqa: S608
        states=states,
        oldest_ms=oldest,
        round_trip_ms=_round_trip_ms(db),
        moved_to=gone.to if gone else None,
        counters={str(row[0]): int(row[1]) for row in counters},
    )


def _round_trip_ms(db: Database) -> float:
    """How long the shortest of a few questions takes."""
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        db.execute("SELECT 1").fetchone()
        taken.append(time.perf_counter() - began)
    return round(1000 * min(taken), 3)


def identities(db: Database, unknown: type[Exception]) -> Identities:
    """Whom a store knows. A column that it does not have raises `unknown`, and is left out."""
    return Identities(
        tuple(_texts(db, _PERSON_IDS, unknown)),
        tuple(_texts(db, _GROUP_IDS, unknown)),
        tuple(_texts(db, _NAMES, unknown)),
    )


def number(db: Database, query: str) -> int:
    """The one number that a query gives."""
    return int(db.execute(query).fetchone()[0])


def _texts(db: Database, columns: tuple[tuple[str, ...], ...], unknown: type[Exception]) -> Iterator[str]:
    for table, column, *where in columns:
        only = f"WHERE {where[0]}" if where else ""
        query = f"SELECT DISTINCT {column} FROM {table} {only} LIMIT {_MOST}"  # noqa: S608
        with suppress(unknown):
            for row in db.execute(query):
                yield from _strings(row[0])


def _strings(value: Any) -> Iterator[str]:
    """The texts of a column, also of one that holds JSON."""
    if isinstance(value, str) and value[:1] in "[{":
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)
