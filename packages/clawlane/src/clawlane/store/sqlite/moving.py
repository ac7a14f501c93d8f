"""Moving a store out of a file, or into one, which is made beside its place until it is complete."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from clawlane.credentials.files import make_private_dir, sync_dir
from clawlane.store import moved
from clawlane.store.errors import StoreFailed, StoreUnusable
from clawlane.store.moving.tables import Table
from clawlane.store.sqlite import marker, schema
from clawlane.store.sqlite.connection import Connection, connect_writer, read_only
from clawlane.texts import later

ARRIVING = ".arriving"
"""What the name of a file ends with that a move has not completed."""

_PARTS = ("", "-wal", "-shm")


class FileSource:
    """The store in a file. The caller holds the lock of its state directory."""

    def __init__(self, path: Path, db: Connection) -> None:
        self.where = str(path)
        self.db = db

    def change(self, change: Callable[[Connection], None]) -> None:
        """Carry it out in a transaction that waits for the disk."""
        with _transaction(self.db):
            change(self.db)


@contextmanager
def leaving(path: Path, now_ms: int) -> Iterator[FileSource]:
    """A store to be moved away, brought up to date first. Raises `StoreUnusable`."""
    with _told(path), closing(connect_writer(path, now_ms, even_moved=True)) as db:
        yield FileSource(path, db)


class FileTarget:
    """A file that becomes the store `of` this id at `path`, whose older state is set aside then."""

    def __init__(self, path: Path, of: str, now_ms: int, *, marked: bool = True) -> None:
        """Without being `marked` it is a copy, and none beside which a gateway runs."""
        self.where = str(path)
        self._path, self._of, self._now_ms = path, of, now_ms
        self._marked = marked
        self._file = path if marked and _is_settled(path, of) else Path(f"{path}{ARRIVING}")
        self.db = self._opened()

    def _opened(self) -> Connection:
        if self._file == self._path:
            opened = read_only(self._file)
            opened.row_factory = sqlite3.Row
            return opened
        return _made(self._file)

    @contextmanager
    def transaction(self, *, safe: bool = False) -> Iterator[None]:
        """Commit what happens inside, or nothing of it."""
        self.db.execute(f"PRAGMA synchronous = {'FULL' if safe else 'NORMAL'}")
        with _transaction(self.db):
            yield

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        names, holes = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        self.db.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({holes})", rows)  # noqa: S608

    def set_number(self, name: str, last: int) -> None:
        """Let the next one of this name be the one after `last`."""
        self.db.execute("UPDATE numbers SET last = ? WHERE name = ?", (last, name))

    def clear(self) -> None:
        """Begin with an empty file."""
        self.db.close()
        for part in _PARTS:
            Path(f"{self._file}{part}").unlink(missing_ok=True)
        self.db = self._opened()

    def settle(self) -> None:
        """Put the file in its place, and what was there aside. May be repeated after a crash in between."""
        if self._file == self._path:
            return
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()
        aside = self._path.with_name(f"{self._path.name}.moved-{self._now_ms}")
        for part in _PARTS:
            if os.path.lexists(old := f"{self._path}{part}"):
                Path(old).rename(f"{aside}{part}")
        self._file.rename(self._path)
        sync_dir(self._path.parent)
        if self._marked:
            with closing(read_only(self._path)) as db:
                marker.mark(db, self._path)


@contextmanager
def arriving(path: Path, of: str, now_ms: int) -> Iterator[FileTarget]:
    """Where a store with this id moves to. Raises `StoreUnusable` for a place that is taken."""
    with _told(path):
        make_private_dir(path.parent)
        target = FileTarget(path, of, now_ms)
        try:
            yield target
        finally:
            target.db.close()


@contextmanager
def copied_to(path: Path, of: str, now_ms: int) -> Iterator[FileTarget]:
    """A copy of the store with this id in a new file, of which nothing is left where it is not completed."""
    with _told(path):
        target = FileTarget(path, of, now_ms, marked=False)
        try:
            yield target
        finally:
            target.db.close()
            for part in _PARTS:
                Path(f"{path}{ARRIVING}{part}").unlink(missing_ok=True)


def _is_settled(path: Path, of: str) -> bool:
    """Whether the store of this id is in its place, and in force.

    False where the place is free, or has it as it was before it moved away. Raises `StoreUnusable`.
    """
    if marker.marked_id(path) not in (None, of):
        raise _taken(path)
    if not path.exists() or not path.stat().st_size:
        return False
    with closing(read_only(path)) as db:
        schema.check(db, path)
        if marker.stored_id(db) != of:
            raise _taken(path)
        return moved.moved(db) is None


def _made(file: Path) -> Connection:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, factory=Connection)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        schema.migrate(db, file, 0)
        db.execute("PRAGMA foreign_keys = ON")
        db.row_factory = sqlite3.Row
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def _transaction(db: Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else getattr(error, "sqlite_errorname", "")
        told = later(
            "the copy was cut off at {where} ({reason}); check free space and permissions, and run the same"
            " command again",
            where=path,
            reason=reason or type(error).__name__,
        )
        raise StoreFailed(told) from error


def _taken(path: Path) -> StoreUnusable:
    return StoreUnusable(later("{where} holds a store already; move into an empty place", where=path))
