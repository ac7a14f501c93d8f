"""The connection that writes, as `writer` uses it: transactions, and what became of one on a broken way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from clawlane.store.postgres.answers import Row
from clawlane.store.postgres.connection import CLOCK, Connection, plain_reason
from clawlane.store.postgres.watch import Watch
from clawlane.texts import later

_STATEMENT_S = 10
"""How long one statement may take, and how long it may wait for a lock."""

_IDLE_S = 2
"""How long the server keeps a transaction that its gateway does nothing in: others may wait for its locks."""

_FIRST = (
    f"SELECT set_config('statement_timeout', '{_STATEMENT_S}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{_IDLE_S}s', true),"
    f" set_config('synchronous_commit', '{{wait}}', true), pg_current_xact_id()::text AS number, {CLOCK}"
)
_RETRY_S = 0.2
log = logging.getLogger(__name__)


class PostgresEngine:
    """One session, opened again when it was lost, or has been silent for `patience_s`."""

    errors = psycopg.Error

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], patience_s: float = _STATEMENT_S + 2
    ) -> None:
        self._connect = connect
        self._watch = Watch(patience_s)
        self._ending = threading.Event()
        self.db = Connection(connect(), self._watch.over)

    @property
    def spoiled(self) -> bool:
        """Whether the open transaction can only be undone."""
        return self.db.spoiled

    def begin(self, *, lazy: bool) -> None:
        """Begin with the first question; its answer comes with the number and the time of the transaction."""
        if self.db.opened.closed:
            self.db = Connection(self._connect(), self._watch.over, self.db.total_changes)
        self.db.begin(_FIRST.format(wait="off" if lazy else "on"))

    def commit(self) -> None:
        """End it. Where the way breaks meanwhile, the server is asked what became of it.

        Raises what was wrong with statements that waited until now.
        """
        if self.db.has_only_begun:
            self.db.forget()
            return
        if self.db.spoiled:  # it would be undone without a word
            raise psycopg.errors.InFailedSqlTransaction("the transaction can only be undone")
        beginning = self.db.beginning  # whose number has to be known before
        try:
            self.db.execute("COMMIT")
        except psycopg.Error:
            if self.db.spoiled or not self._was_committed(beginning):
                raise

    def roll_back(self) -> None:
        """Undo it, if one is open. A session that is lost has undone it."""
        if self.db.in_transaction:
            try:
                self.db.execute("ROLLBACK")
            except psycopg.Error:
                self.db.close()
        self.db.forget()

    def _was_committed(self, beginning: Row | None) -> bool:
        """Ask on new sessions until there is an answer. Raises `psycopg.Error` when the store ends before."""
        number = beginning["number"] if beginning else ""
        self.db.close()
        while True:
            with suppress(psycopg.Error), self._connect() as opened:
                with self._watch.over(opened):
                    asked = opened.execute("SELECT pg_xact_status(%s::xid8)", (number,))
                row = asked.fetchone()
                status = row[0] if row else None
                if status != "in progress":
                    log.info("what became of a change when the way to the database broke: %s", status)
                    return bool(status == "committed")
            if self._ending.wait(_RETRY_S):
                raise psycopg.OperationalError("the store ended before the database said what it has kept")

    def reason(self, error: Exception) -> str:
        """What the server says first: its details show the row that was to be stored."""
        return plain_reason(error)

    def unstored(self, error: Exception) -> str:
        """Why nothing can be stored, and what helps."""
        reason = later("the database takes no changes ({error}); check that it runs and has space")
        return later(reason, error=plain_reason(error))

    def scrub(self, _patience_s: float) -> bool:
        """Nothing to do here: the server empties its own logs."""
        return True

    def rewrite(self) -> None:
        """Free what was deleted. Tables are not written anew: that would stop every other gateway meanwhile.

        What the server keeps besides (its log of changes, its copies) is a matter of its settings.
        """
        self.db.opened.execute("VACUUM")  # however long it takes

    def end(self) -> None:
        """Wait for nothing any more: the store is to be closed. From any thread."""
        self._ending.set()

    def close(self) -> None:
        """End the session."""
        self.db.close()
        self._watch.close()
