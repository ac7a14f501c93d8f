"""The connection that writes, as `writer` uses it: transactions, how they wait for the disk, and the log."""

from __future__ import annotations

import logging
import sqlite3

from clawlane.store.sqlite.connection import Connection
from clawlane.texts import later

_BUSY_MS = 5000
_IN_MEMORY = 256 * 2**20
"""Bytes of a store that is written anew in memory."""

log = logging.getLogger(__name__)


class SqliteEngine:
    """One file, and its write-ahead log."""

    errors = sqlite3.Error
    spoiled = False

    def __init__(self, connection: Connection) -> None:
        self.db = connection
        self._lazy = False

    def begin(self, *, lazy: bool) -> None:
        """Begin, with the right to write."""
        if lazy is not self._lazy:
            self.db.execute(f"PRAGMA synchronous = {'NORMAL' if lazy else 'FULL'}")
            self._lazy = lazy
        self.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction."""
        self.db.execute("COMMIT")

    def roll_back(self) -> None:
        """Undo it, if one is open."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def reason(self, error: Exception) -> str:
        """What SQLite says names tables and columns alone."""
        return str(error)

    def unstored(self, error: Exception) -> str:
        """Why nothing can be stored, and what helps."""
        reason = later("the store could not be written ({error}); check free space and permissions")
        return later(reason, error=str(error))  # the error itself would keep what was asked open

    def scrub(self, patience_s: float) -> bool:
        """Write everything into the main file and truncate the log. A reader may delay that."""
        try:
            self.db.execute(f"PRAGMA busy_timeout = {round(1000 * patience_s)}")
            busy, *_ = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self.db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        except sqlite3.Error as error:
            log.info("the log of the store could not be emptied (%s); trying again", error)
            return False
        return not busy

    def rewrite(self) -> None:
        """Write the whole file anew."""
        (size,) = self.db.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        # The copy that SQLite works with is in memory as far as that is reasonable. A file for it has no
        # name: nobody can open it.
        self.db.execute(f"PRAGMA temp_store = {'MEMORY' if size < _IN_MEMORY else 'FILE'}")
        try:
            self.db.execute("VACUUM")
        finally:
            self.db.execute("PRAGMA temp_store = MEMORY")

    def end(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Checkpoint and close the file."""
        self.db.close()
