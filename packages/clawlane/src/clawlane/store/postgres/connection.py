"""A connection as transitions use it (see `clawlane.store.sql`), over psycopg.

Values are put into statements here, not on the server: nothing is prepared, so that a pooler which gives
every transaction another session (pgbouncer) may stand in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import ClientCursor, pq

from clawlane.store.postgres.answers import Answer, Row
from clawlane.store.postgres.numbers import Numbers
from clawlane.store.postgres.translation import NumberLoader, plain, translated
from clawlane.store.sql import OWNERS, Values

_CHANGES = ("INSERT", "UPDATE", "DELETE")
_SAVEPOINT = "SAVEPOINT"
CLOCK = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT) AS clock"
"""The time at which a transaction began: milliseconds since 1970, by the clock of the server."""

_MOST_WAITING = 64
"""Statements that wait for one another, at most."""

_GUARDS = 2
_GUARDED = (
    "SELECT count(*) FROM pg_trigger WHERE tgname IN ('audit_log_guarded', 'audit_anchors_guarded')"
    " AND tgrelid IN ('audit_log'::regclass, 'audit_anchors'::regclass) AND tgenabled = 'O'"
)
_ABOVE = frozenset(("0A", "21", "22", "23", "25P02", "26", "42", "P0"))
"""Classes of errors that a statement or its values brought about, and nothing below it."""


def _unwatched(_: psycopg.Connection[Any]) -> AbstractContextManager[None]:
    """However long it takes."""
    return nullcontext()


class Connection:
    """One session with the database, or with a pooler in front of it.

    Statements wait until an answer to one is wanted, and then go to the server together, in their order.
    With `at_once` none waits. `over` is entered while the server is waited for; `changes` were counted on an
    earlier session.
    """

    def __init__(
        self,
        opened: psycopg.Connection[Any],
        over: Callable[[psycopg.Connection[Any]], AbstractContextManager[None]] = _unwatched,
        changes: int = 0,
        *,
        at_once: bool = False,
    ) -> None:
        self._over, self._at_once = over, at_once
        opened.adapters.register_loader("numeric", NumberLoader)
        self.opened = opened
        self._cursor = ClientCursor(opened)
        self._waiting: list[Answer] = []
        self.careful = False
        self._first: Answer | None = None
        self._beginning: Row | None = None
        self._numbers = Numbers(self._wait)
        self._counted = changes
        self.asked_changes = changes
        """Grows with each change that is asked for, whatever it finds."""

    @property
    def total_changes(self) -> int:
        """How many rows were changed since the store was opened."""
        self.settle()
        return self._counted

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, even one that an error has ended for all but its undoing."""
        open_ = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
        return self.opened.info.transaction_status in open_

    @property
    def spoiled(self) -> bool:
        """Whether the open transaction can only be undone."""
        return self.opened.info.transaction_status == pq.TransactionStatus.INERROR

    def begin(self, question: str, how: str = "BEGIN") -> None:
        """Begin a transaction, together with what is asked first in it. The answer is its `beginning`."""
        self.forget()
        self._wait(how)
        self._first = self._wait(question)

    @property
    def beginning(self) -> Row | None:
        """What the first question of the transaction gave, with its time as `clock`; None outside of one."""
        if self._beginning is None and self._first is not None:
            self._beginning = self._first.fetchone()
        return self._beginning

    @property
    def has_only_begun(self) -> bool:
        """Whether nothing was asked of the transaction yet: the server knows nothing of it."""
        return bool(self._waiting) and self._waiting[-1] is self._first

    def forget(self) -> None:
        """Let nothing wait any more: the transaction is over."""
        self._waiting.clear()
        self._first = self._beginning = None
        self._numbers.forget()

    def execute(self, statement: str, values: Values = ()) -> Answer:
        """Run one statement, with its values in place of `?` or `:name`."""
        text = self._cursor.mogrify(translated(statement), plain(values))
        if statement.startswith("ROLLBACK"):
            return self._undo(text, to=_SAVEPOINT if "SAVEPOINT" in statement else None)
        if statement.startswith((_SAVEPOINT, "COMMIT")):
            self._numbers.write()
        answer = self._wait(text)
        is_end = statement.startswith("COMMIT")
        if is_end or self._at_once or len(self._waiting) >= _MOST_WAITING:
            self.settle()
        if is_end:
            self.forget()
        return answer

    def executemany(self, statement: str, values: Iterable[Values]) -> None:
        """Run one statement for each of the values."""
        for one in values:
            self.execute(statement, one)

    def settle(self) -> None:
        """Send what waits, in one go."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            with _plainly(), self._over(self.opened):
                self._cursor.execute(";".join(one.text for one in waiting))
        except psycopg.Error as error:
            for one in waiting:
                one.fail(error)
            raise
        for one in waiting:
            is_change = one.text.startswith(_CHANGES)
            one.take(self._cursor)
            if is_change:
                self._counted += one.rowcount
            self._cursor.nextset()

    def _wait(self, text: str) -> Answer:
        """Let a statement wait that has its values."""
        answer = Answer(text, self.settle)
        self._waiting.append(answer)
        self.asked_changes += text.startswith(_CHANGES)
        return answer

    def _undo(self, text: str, *, to: str | None) -> Answer:
        """Undo the transaction, or all since the last savepoint. What waits since then is never sent."""
        while self._waiting and (to is None or not self._waiting[-1].text.startswith(to)):
            self._waiting.pop()
        self._numbers.forget()
        answer = self._wait(text)
        self.settle()
        return answer

    def expect_numbers(self, name: str, count: int) -> None:
        """Fetch so many numbers with the next question."""
        self._numbers.expect(name, count)

    def next_number(self, name: str) -> int:
        """The next number of this name, over all accounts."""
        return self._numbers.next(name)

    def last_number(self, name: str) -> int:
        """The one that was given out last."""
        query = "SELECT coalesce(pg_sequence_last_value(?::regclass), 0)"
        if name == "event":
            query = "SELECT last FROM numbers WHERE name = ?"
        row = self.execute(query, (name if name == "event" else f"{name}_numbers",)).fetchone()
        return int(row[0]) if row else 0

    def owner(self, account: str) -> Row | None:
        """Who owns an account. Nobody can take it over before this transaction ends."""
        return self.execute(f"{OWNERS} = ? FOR SHARE OF owners", (account,)).fetchone()

    def owners(self, accounts: Iterable[str]) -> dict[str, tuple[int, int]]:
        """The same of several accounts, in one question."""
        rows = self.execute(f"{OWNERS} = ANY(?) FOR SHARE OF owners", (sorted(accounts),))
        return {row["account"]: (row["epoch"], row["last_seen_ms"]) for row in rows}

    def hold_owner(self, account: str) -> bool:
        """Hold the row of an owner, without waiting for whoever holds it."""
        query = "SELECT 1 FROM owners WHERE account = ? FOR UPDATE SKIP LOCKED"
        return self.execute(query, (account,)).fetchone() is not None

    def clock_ms(self) -> int:
        """When the transaction began, by the clock of the server."""
        row = self.beginning or self.execute(f"SELECT {CLOCK}").fetchone()
        return int(row["clock"]) if row else 0

    @contextmanager
    def moment(self) -> Iterator[None]:
        """What is asked inside is answered as of one moment. The reader goes on in another transaction."""
        self._go_on_in("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self._go_on_in("BEGIN READ ONLY")

    def _go_on_in(self, begin: str) -> None:
        self.execute("COMMIT")
        self.begin(f"SELECT {CLOCK}", begin)

    def guarded(self) -> bool:
        """Whether the triggers of the record are there, and on."""
        row = self.execute(_GUARDED).fetchone()
        return row is not None and row[0] == _GUARDS

    def failed_below(self, error: Exception) -> bool:
        """Whether the server, its disk, or the way to it failed."""
        if not isinstance(error, psycopg.Error):
            return False
        code = error.sqlstate or ""
        return code not in _ABOVE and code[:2] not in _ABOVE

    def close(self) -> None:
        """End the session."""
        self.opened.close()


def plain_reason(error: Exception) -> str:
    """What the server or the way to it said, in one line, without statements and their values."""
    told = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(told or str(error).splitlines()[0] if str(error) else type(error).__name__)


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors say what is wrong and no more: the rest shows the statement, and the row to be stored."""
    try:
        yield
    except psycopg.Error as error:
        error.args = (plain_reason(error),)
        raise
