"""`store rollback`: the store from before an upgrade is put back, and the newer one is kept aside."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from clawlane.credentials.files import sync_dir
from clawlane.store.errors import StoreUnusable
from clawlane.store.process_lock import ProcessLock
from clawlane.store.sqlite import restored
from clawlane.store.sqlite.copies import KeptCopy
from clawlane.store.sqlite.replaced import explain
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Where the newer store is now (None where there was none), and how many sends wait for a decision."""

    newer: Path | None
    undecided: int


def roll_back(store: Path, lock_file: Path, copy: KeptCopy, now_ms: int) -> RolledBack:
    """Put a kept copy in the place of the store. It starts paused; see `restored.put_back`.

    Can be repeated after a crash. Raises `StoreOwned` while a gateway runs, and `StoreUnusable`.
    """
    with ProcessLock(lock_file):
        newer = store.with_name(f"{store.name}.newer-{now_ms}")
        moved = os.path.lexists(store)
        try:
            undecided = restored.put_back(copy.path, copy.made_ms, now_ms)
            for ending in ("", "-wal", "-shm"):
                part = Path(f"{store}{ending}")
                if os.path.lexists(part):
                    part.rename(f"{newer}{ending}")
            copy.path.rename(store)
            sync_dir(store.parent)
            explain(store, "rolled_back")
        except sqlite3.Error as error:
            raise _refused(copy, str(error)) from error
        except OSError as error:
            raise _refused(copy, error.strerror or str(error)) from error
    return RolledBack(newer if moved else None, undecided)


def _refused(copy: KeptCopy, reason: str) -> StoreUnusable:
    return StoreUnusable(later("{file} cannot be put back ({reason})", file=copy.path, reason=reason))
