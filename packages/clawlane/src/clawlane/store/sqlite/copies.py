"""Copies of the store: one for a backup, and one that is kept before a new version changes its tables.

Each is made by SQLite over a connection that sees one moment, so that a gateway may go on writing.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clawlane.config.scratch import scratch_of
from clawlane.credentials.files import sync_dir
from clawlane.store.errors import StoreFailed, StoreUnusable
from clawlane.store.sqlite import schema
from clawlane.texts import later

KEPT_MS = 14 * 86_400_000
"""How long the copy from before an upgrade is kept."""

_MARGIN = 32 << 20
"""Bytes that a copy leaves free: the gateway goes on writing meanwhile."""


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The store as it was before an upgrade. `migration` is the last one in it."""

    path: Path
    migration: int
    made_ms: int
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store at one moment: its content, its last migration, and its accounts (`channel/id`)."""

    file: BinaryIO
    migration: int
    accounts: tuple[str, ...]


@contextmanager
def snapshot(store: Path) -> Iterator[Snapshot]:
    """The store as it is now. The file behind it has no name, so that nothing stays of it.

    Raises `StoreUnusable` for a store that is damaged or too new, and `StoreFailed` where it does not fit.
    """
    source = sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    with closing(source), _scratch(store) as scratch, open(scratch, "rb") as file:
        try:
            migration = schema.check(source, store)
            _check_whole(source, store)
            rows = source.execute("SELECT account FROM accounts ORDER BY account").fetchall()
        except sqlite3.DatabaseError as error:
            raise _unreadable(store, later("cannot be read ({reason})", reason=error)) from error
        _copy(source, store, scratch, scratch.unlink)
        yield Snapshot(file, migration, tuple(str(account) for (account,) in rows))


def keep_before_upgrade(connection: sqlite3.Connection, store: Path, now_ms: int) -> None:
    """Keep a copy of a store that is about to be migrated; it replaces an older one of the same age.

    Raises `StoreFailed` where it does not fit.
    """
    migration = schema.check(connection, store)
    if not migration:
        return
    path = store.with_name(f"{store.name}.schema-{migration}-{now_ms}")
    with _scratch(store) as scratch:
        _copy(connection, store, scratch)
        _sync(scratch)
        scratch.rename(path)
    sync_dir(store.parent)
    for other in kept(store):
        if other.migration == migration and other.path != path:
            other.path.unlink(missing_ok=True)


def kept(store: Path) -> list[KeptCopy]:
    """The copies that are kept, the newest first."""
    pattern = re.compile(rf"{re.escape(store.name)}\.schema-(\d{{1,6}})-(\d{{1,15}})\Z")
    found = []
    for path in store.parent.iterdir() if store.parent.is_dir() else ():
        if (match := pattern.match(path.name)) and path.is_file() and not path.is_symlink():
            found.append(KeptCopy(path, int(match[1]), int(match[2]), path.stat().st_size))
    return sorted(found, key=lambda one: one.made_ms, reverse=True)


def prune(store: Path, now_ms: int) -> list[Path]:
    """Remove the copies whose time is over. Gives them."""
    old = [one.path for one in kept(store) if one.made_ms < now_ms - KEPT_MS]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _check_whole(source: sqlite3.Connection, store: Path) -> None:
    (verdict,) = source.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        reason = " ".join(str(verdict).split())
        raise _unreadable(store, later("is damaged ({reason})", reason=reason))


@contextmanager
def _scratch(store: Path) -> Iterator[Path]:
    """An empty private file beside the store, which is gone afterwards unless it was renamed."""
    path = scratch_of(store)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise _no_copy(store, str(error.strerror)) from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _copy(
    source: sqlite3.Connection, store: Path, target: Path, opened: Callable[[], None] = lambda: None
) -> None:
    """Copy a store into an empty file. `opened` is called once the file is open."""
    try:
        pages, size = (source.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if (free := shutil.disk_usage(target.parent).free) < pages * size + _MARGIN:
            needed = (pages * size + _MARGIN) >> 20
            told = later("that takes {n} MB of free space, there are {free}", n=needed, free=free >> 20)
            raise _no_copy(store, told)
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            opened()
            source.backup(copy)
    except sqlite3.Error as error:
        raise _no_copy(store, str(error)) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _no_copy(store: Path, why: str) -> StoreFailed:
    return StoreFailed(
        later(
            "the store {store} could not be copied ({reason}); check free space and permissions",
            store=store,
            reason=why,
        )
    )


def _unreadable(store: Path, what: str) -> StoreUnusable:
    return StoreUnusable(later("the store {store} {what}; see: openclaw doctor", store=store, what=what))
