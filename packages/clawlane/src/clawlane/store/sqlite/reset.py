"""Beginning with an empty store: the one that is there is moved aside, and its marker goes."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from clawlane.credentials.files import sync_dir
from clawlane.store.errors import StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.reader import reading
from clawlane.store.sqlite.marker import marker_of
from clawlane.store.sqlite.replaced import explain
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a store knows, in numbers. All are None for one that cannot be read."""

    approved: int | None = None
    rejected: int | None = None
    requests: int | None = None
    messages: int | None = None
    unsent: int | None = None


def holdings(store: Path, now_ms: int) -> Holdings | None:
    """What would be forgotten with a store; None where there is none."""
    if not os.path.lexists(store):
        return None
    try:
        with reading(store) as reader:
            return Holdings(
                approved=len(reader.approved()),
                rejected=len(reader.rejected(now_ms)),
                requests=len(reader.requests(now_ms)),
                messages=reader.message_count(),
                unsent=len(reader.outbox()),
            )
    except (StoreUnusable, sqlite3.Error):
        return Holdings()


def forget(store: Path, lock_file: Path, now_ms: int) -> Path | None:
    """Move the store aside and remove its marker, so that the next start makes a new one.

    Gives where it was moved, None where there was none. Raises `StoreOwned` while a gateway runs, and
    `StoreUnusable` if the disk does not let it.
    """
    with ProcessLock(lock_file):
        aside = store.with_name(f"{store.name}.forgotten-{now_ms}")
        moved = os.path.lexists(store)
        try:
            for ending in ("", "-wal", "-shm"):
                part = Path(f"{store}{ending}")
                if os.path.lexists(part):
                    part.rename(f"{aside}{ending}")
            marker_of(store).unlink(missing_ok=True)
            explain(store, "reset")
            sync_dir(store.parent)
        except OSError as error:
            told = later(
                "the store {store} cannot be moved away ({reason})", store=store, reason=error.strerror
            )
            raise StoreUnusable(told) from error
    return aside if moved else None
