"""Connections to the store's file: one that writes, and any number that only read."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from clawlane.store import schema
from clawlane.store.atomic import make_private_dir
from clawlane.store.errors import StoreUnusable


def connect_writer(path: Path, now_ms: int) -> sqlite3.Connection:
    """The one connection that writes, with its tables made. The file is private to its owner.

    Raises `StoreUnusable`. The connection may be used by another thread than the one that opened it.
    """
    make_private_dir(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path, now_ms)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise damaged(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write and never checkpoints. The store must exist. Raises `StoreUnusable`.

    `mode=ro`, because releases of SQLite before 3.51.3 can damage a WAL file that two connections checkpoint.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        schema.check(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise damaged(path, error) from error
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def damaged(path: Path, error: sqlite3.Error) -> StoreUnusable:
    """The one line for a file that SQLite cannot use."""
    return StoreUnusable(f"the store {path} cannot be used ({error}); move it away and start again")


def _prepare(connection: sqlite3.Connection, path: Path, now_ms: int) -> None:
    schema.check(connection, path)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        found = " ".join(verdict.split())
        raise StoreUnusable(f"the store {path} is damaged ({found}); move it away and start again")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # A text that was taken back must not stay readable in the file.
    connection.execute("PRAGMA secure_delete = ON")
    schema.migrate(connection, path, now_ms)
    connection.row_factory = sqlite3.Row
