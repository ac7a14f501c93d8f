"""Looking at a store that may be older, newer or damaged: how it is, how much it holds, whom it knows.

Nothing is written, and each question that cannot be answered is left out or says why.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

    `migration` is that of its tables, 0 for a file without any. `check` is what SQLite finds wrong, empty for
    nothing; `problem` is why something could not be asked.
    """

    migration: int = 0
    page_size: int = 0
    pages: int = 0
    free_pages: int = 0
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


def facts_of(path: Path) -> StoreFacts:
    """How a store is. Raises `OSError` and `sqlite3.Error` for a file that cannot be opened at all."""
    with _opened(path) as connection:
        try:
            return _facts(connection)
        except sqlite3.Error as error:
            return StoreFacts(problem=str(error))


def identities_of(path: Path) -> Identities:
    """Whom a store knows, as far as it can be read. Raises `OSError` and `sqlite3.Error`."""
    with _opened(path) as connection:
        return Identities(
            tuple(_texts(connection, _PERSON_IDS)),
            tuple(_texts(connection, _GROUP_IDS)),
            tuple(_texts(connection, _NAMES)),
        )


def _facts(connection: sqlite3.Connection) -> StoreFacts:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    known = sorted(name for name in tables if _TABLE.fullmatch(name))
    found = [str(one) for (one,) in connection.execute("PRAGMA quick_check(20)")]
    states = {
        table: {
            str(state): int(n)
            for state, n in connection.execute(f"SELECT state, count(*) FROM {table} GROUP BY state")  # noqa: S608
        }
        for table in ("turns", "outbox", "drafts")
        if table in known
    }
    by_reason = "SELECT reason, sum(n) FROM counters GROUP BY reason"
    counters = connection.execute(by_reason) if "counters" in known else ()
    return StoreFacts(
        migration=_number(connection, "SELECT max(number) FROM migrations") if "migrations" in known else 0,
        page_size=_number(connection, "PRAGMA page_size"),
        pages=_number(connection, "PRAGMA page_count"),
        free_pages=_number(connection, "PRAGMA freelist_count"),
        check=() if found == ["ok"] else tuple(found),
        rows={name: _number(connection, f"SELECT count(*) FROM {name}") for name in known},  # noqa: S608
        states=states,
        counters={str(reason): int(n) for reason, n in counters},
    )


def _texts(connection: sqlite3.Connection, columns: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for table, column, *where in columns:
        only = f"WHERE {where[0]}" if where else ""
        query = f"SELECT DISTINCT {column} FROM {table} {only} LIMIT {_MOST}"  # noqa: S608
        with suppress(sqlite3.Error):  # a column that this version of the store does not have
            for (value,) in connection.execute(query):
                yield from _strings(value)


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


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection
