"""A connection as transitions use it (see `clawlane.store.sql`), over psycopg.

Values are put into statements here, not on the server: nothing is prepared, so that a pooler which gives
every transaction another session (pgbouncer) may stand in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import psycopg
from psycopg import ClientCursor, pq
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from clawlane.store.sql import OWNERS, Values

_HOLE = re.compile(r"'(?:[^']|'')*'|::|\?|:[a-z_]\w*|%")
_AS_BYTES = re.compile(r"\bCAST\((\w+) AS BLOB\)")
_CHANGES = ("INSERT", "UPDATE", "DELETE")
_BORDERS = ("BEGIN", "COMMIT", "ROLLBACK")
_RETURNING = re.compile(r"\bRETURNING\b")
CLOCK_MS = "CAST(extract(epoch FROM now()) * 1000 AS BIGINT)"
_MOST_WAITING = 64
"""Changes that wait for the next question, at most."""

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


class Row:
    """A row, whose columns are found by name or by place."""

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: Mapping[str, int]) -> None:
        self._values = values
        self._places = places

    def __getitem__(self, column: Any) -> Any:
        return self._values[self._places[column] if isinstance(column, str) else column]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self._places)


class Written:
    """A change that waits, or was made. `count` is how many rows it changed, once that is known."""

    __slots__ = ("_db", "count", "text")

    def __init__(self, db: Connection, text: str, count: int = -1) -> None:
        self._db, self.text, self.count = db, text, count

    @property
    def rowcount(self) -> int:
        if self.count < 0:
            self._db.settle()
        return self.count

    def __iter__(self) -> Iterator[Row]:
        return iter(())

    def fetchone(self) -> None:
        """It gives no rows."""

    def fetchall(self) -> list[Row]:
        """It gives no rows."""
        return []


class Connection:
    """One session with the database, or with a pooler in front of it.

    `over` is entered while the server is waited for; `changes` were counted on an earlier session. With
    `at_once` no change waits.
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
        opened.adapters.register_loader("numeric", _NumberLoader)
        self.opened = opened
        self.counted = changes
        """Rows that were changed, but for those of changes that wait."""
        self._waiting: list[Written] = []
        self.began_ms: int | None = None
        """When the open transaction began, once that is known."""

    @property
    def total_changes(self) -> int:
        """How many rows were changed since the store was opened."""
        self.settle()
        return self.counted

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, even one that an error has ended for all but its undoing."""
        open_ = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
        return self.opened.info.transaction_status in open_

    @property
    def spoiled(self) -> bool:
        """Whether the open transaction can only be undone."""
        return self.opened.info.transaction_status == pq.TransactionStatus.INERROR

    def execute(self, statement: str, values: Values = ()) -> Written | ClientCursor[Row]:
        """Run one statement, with its values in place of `?` or `:name`.

        A change waits for the next question, or for somebody who wants to know what it did: both go together.
        """
        text = ClientCursor(self.opened).mogrify(translated(statement), _plain_all(values))
        if statement.startswith("ROLLBACK"):
            self._waiting.clear()
        if statement.startswith(_BORDERS):
            self.began_ms = None
        if self._at_once or not statement.startswith(_CHANGES) or _RETURNING.search(statement):
            return self._send(text)
        written = Written(self, text)
        self._waiting.append(written)
        if len(self._waiting) == _MOST_WAITING:
            self.settle()
        return written

    def executemany(self, statement: str, values: Iterable[Values]) -> Written | ClientCursor[Row]:
        """Run one statement for each of the values. What it gives is about the last one."""
        last: Written | ClientCursor[Row] = Written(self, "", 0)
        for one in values:
            last = self.execute(statement, one)
        return last

    def settle(self) -> None:
        """Send the changes that wait."""
        if self._waiting:
            self._send("")

    def _send(self, text: str) -> ClientCursor[Row]:
        """Send what waits and a statement, in one go. Gives the result of the statement."""
        waiting, self._waiting = self._waiting, []
        cursor = ClientCursor(self.opened, row_factory=_row_factory)
        with _plainly(), self._over(self.opened):
            cursor.execute(";".join([*(one.text for one in waiting), *([text] if text else [])]))
        for one in waiting:
            one.count = cursor.rowcount
            self.counted += one.count
            cursor.nextset()
        if text.startswith(_CHANGES):
            self.counted += cursor.rowcount
        return cursor

    def next_number(self, name: str) -> int:
        """The next number of this name, over all accounts.

        Those of events come from a row that the transaction holds until it ends: they rise in the order of
        commits. The others come from sequences.
        """
        if name == "event":
            query = "UPDATE numbers SET last = last + 1 WHERE name = 'event' RETURNING last"
            return int(self._send(query).fetchone()["last"])  # type: ignore[index]
        return int(self.execute("SELECT nextval(?)", (f"{name}_numbers",)).fetchone()[0])  # type: ignore[index]

    def last_number(self, name: str) -> int:
        """The one that was given out last."""
        query = "SELECT coalesce(pg_sequence_last_value(?::regclass), 0)"
        if name == "event":
            query = "SELECT last FROM numbers WHERE name = ?"
        row = self.execute(query, (name if name == "event" else f"{name}_numbers",)).fetchone()
        return int(row[0]) if row else 0

    def owner(self, account: str) -> Row | None:
        """Who owns an account. Nobody can take it over before this transaction ends."""
        row: Row | None = self.execute(f"{OWNERS} = ? FOR SHARE OF owners", (account,)).fetchone()
        return row

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
        if self.began_ms is None:
            row = self.execute(f"SELECT {CLOCK_MS}").fetchone()
            self.began_ms = int(row[0]) if row else 0
        return self.began_ms

    @contextmanager
    def moment(self) -> Iterator[None]:
        """What is asked inside is answered as of one moment. The reader goes on in another transaction."""
        self.execute("COMMIT")
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self.execute("COMMIT")
            self.execute("BEGIN READ ONLY")

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


@cache
def translated(statement: str) -> str:
    """A statement of the store as psycopg takes it. Texts need not be asked for as bytes: they are texts."""

    def filled(hole: re.Match[str]) -> str:
        found = hole[0]
        if found == "?":
            return "%s"
        named = found[0] == ":" and found != "::"
        return f"%({found[1:]})s" if named else found.replace("%", "%%")

    return _HOLE.sub(filled, _AS_BYTES.sub(r"\1", statement))


def _plain_all(values: Values) -> dict[str, Any] | list[Any]:
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """A value as it is stored: flags are numbers, and no text has a NUL, which PostgreSQL does not take."""
    if isinstance(value, str):
        return str.__str__(value).replace("\0", "\ufffd")
    return int(value) if isinstance(value, int) else value


class _NumberLoader(Loader):
    """Sums of whole numbers are whole numbers."""

    def load(self, data: Buffer) -> int | float:
        told = bytes(data)
        return int(told) if told.lstrip(b"-").isdigit() else float(told)


def _row_factory(cursor: psycopg.Cursor[Any]) -> Any:
    described = cursor.description
    if described is None:
        return tuple
    places = {column.name: place for place, column in enumerate(described)}
    return lambda values: Row(values, places)
