"""The marker beside the store: a small file that says a store was made here, and which.

A store that is gone must not be replaced by an empty one in silence: everybody who was approved would be a
stranger again, and what was answered would be answered again. The marker is written once the store is on the
disk, so that a crash in between leaves a store without a marker, which gets one at the next start.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from pathlib import Path

from clawlane.credentials.files import sync_dir, write_private
from clawlane.store.errors import StoreUnusable
from clawlane.texts import later

RESET = "openclaw store reset --forget"
RESTORING = ".restoring"
"""The folder of a restore that is not complete."""

IMPORTING = ".importing"
"""The file with what an import brings, until all of it is in its place."""

FORGOTTEN = later(
    "who was approved by pairing or turned away, which messages were answered, replies that have not left,"
    " pauses, and what names stand for"
)
_ID = re.compile(rb"[0-9a-f]{32}\n?\Z")
_LONGEST = 64


def marker_of(store: Path) -> Path:
    """Where the marker of a store is."""
    return store.with_name("store.id")


def marked_id(store: Path) -> str | None:
    """The id in the marker of a store; None where there is none. Raises `StoreUnusable` for an odd one."""
    marker = marker_of(store)
    try:
        handle = os.open(marker, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            content = os.read(handle, _LONGEST)
        finally:
            os.close(handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = later("is a link")
        if error.errno != errno.ELOOP:
            what = later("cannot be read ({reason})", reason=error.strerror)
        raise _odd(marker, what) from error
    if not _ID.match(content):
        raise _odd(marker, later("does not hold the id of a store"))
    return content.decode().strip()


def check_before(store: Path) -> None:
    """Check that the file exists if a store was ever made. Raises `StoreUnusable`."""
    if (cut_off := store.with_name(RESTORING)).is_dir():
        raise StoreUnusable(
            later(
                "a restore was cut off ({left} is left of it); do it again: openclaw restore FILE --force",
                left=cut_off,
            )
        )
    if store.is_symlink() and not store.exists():
        raise StoreUnusable(
            later(
                "the store {store} is a link to a file that is not there; put the file back, or remove the"
                " link",
                store=store,
            )
        )
    if marked_id(store) is None:
        return
    if not store.exists():
        raise lost(store, later("is missing"))
    if store.stat().st_size == 0:
        raise lost(store, later("is empty"))


def check_imported(store: Path) -> None:
    """Check that no import is half done, before accounts run. Raises `StoreUnusable`."""
    if (cut_off := store.with_name(IMPORTING)).exists():
        raise StoreUnusable(
            later("an import was cut off ({left} is left of it); finish it: clawlane import", left=cut_off)
        )


def check_opened(connection: sqlite3.Connection, store: Path) -> None:
    """Check that the opened file is the one of the marker. Raises `StoreUnusable`."""
    marked = marked_id(store)
    if marked is None:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables:
        raise lost(store, later("is empty"))
    if stored_id(connection) != marked:
        raise lost(store, later("is not the one that was made here"))


def mark(connection: sqlite3.Connection, store: Path) -> None:
    """Write the marker of a store that is on the disk, if there is none. Raises `StoreUnusable`."""
    if marked_id(store) is not None:
        return
    try:
        sync_dir(store.parent)
        write_private(marker_of(store), f"{stored_id(connection)}\n".encode())
    except OSError as error:
        raise StoreUnusable(
            later(
                "{file} cannot be written ({reason}); check free space and permissions",
                file=marker_of(store),
                reason=error.strerror,
            )
        ) from error


def stored_id(connection: sqlite3.Connection) -> str | None:
    """The id of an opened store; None for one from before stores had ids."""
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'properties'"
    if connection.execute(query).fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM properties WHERE name = 'id'").fetchone()
    return str(row[0]) if row else None


def lost(store: Path, what: str) -> StoreUnusable:
    """The error for a store that is gone: what it knew, and what helps."""
    return StoreUnusable(
        later(
            "the store {store} {what}; with an empty one would be forgotten: {forgotten}; put the file back,"
            " or start over: {reset}",
            store=store,
            what=what,
            forgotten=FORGOTTEN,
            reset=RESET,
        )
    )


def _odd(marker: Path, what: str) -> StoreUnusable:
    return StoreUnusable(
        later(
            "{marker} {what}, so nobody can tell whether the store beside it is the right one; if it is,"
            " remove {name}; else start over: {reset}",
            marker=marker,
            what=what,
            name=marker.name,
            reset=RESET,
        )
    )
