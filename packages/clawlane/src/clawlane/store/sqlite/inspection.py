"""Looking at a file that may be of an older or newer version, or damaged.

Nothing is written, and each question that cannot be answered is left out or says why.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from clawlane.store.inspection import Identities, StoreFacts, counted, identities, number
from clawlane.store.sqlite.connection import Connection, read_only


def facts_of(path: Path) -> StoreFacts:
    """How a store is. Raises `OSError` and `sqlite3.Error` for a file that cannot be opened at all."""
    with _opened(path) as connection:
        try:
            return _facts(connection)
        except sqlite3.Error as error:
            return StoreFacts(problem=str(error))


def identities_of(path: Path) -> Identities:
    """Whom a store knows, as far as it can be read; nobody, where there is no file that can be opened."""
    try:
        with _opened(path) as connection:
            return identities(connection, sqlite3.Error)
    except (OSError, sqlite3.Error):
        return Identities()


def _facts(connection: Connection) -> StoreFacts:
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    page_size, pages = number(connection, "PRAGMA page_size"), number(connection, "PRAGMA page_count")
    return replace(
        counted(connection, (name for name in tables if not name.startswith("sqlite_"))),
        page_size=page_size,
        pages=pages,
        free_pages=number(connection, "PRAGMA freelist_count"),
        size=page_size * pages,
        server=sqlite3.sqlite_version,
        check=() if found == ["ok"] else tuple(found),
    )


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    if not path.exists():
        raise FileNotFoundError(2, "No such file or directory", str(path))
    with closing(read_only(path)) as connection:
        yield connection
