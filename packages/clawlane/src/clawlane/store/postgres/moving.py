"""Moving a store out of a database, or into one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql

from clawlane.store.errors import StoreFailed
from clawlane.store.moving.tables import APART, Table, tables
from clawlane.store.postgres.connection import Connection, plain_reason
from clawlane.store.postgres.opening import Address, prepare
from clawlane.store.postgres.watch import Watch
from clawlane.store.sql import Database
from clawlane.texts import later

_STEP_S = 120
"""How long one page, or one statement, may take."""

_MOMENT = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;"
    " SET LOCAL idle_in_transaction_session_timeout = 0"
)
_BEGIN = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = {wait}"


class DatabaseSource:
    """The store in a database, as it was at one moment."""

    def __init__(self, place: Address, connect: Callable[[], Connection]) -> None:
        self.where = str(place)
        self._connect = connect
        self.db = connect()
        self.db.execute(_MOMENT)

    def change(self, change: Callable[[Database], None]) -> None:
        """Carry it out once every change that is under way is over. No account is owned anew meanwhile."""
        db = self._connect()
        with _transaction(db, safe=True):
            db.execute("LOCK TABLE owners IN EXCLUSIVE MODE")
            change(db)


@contextmanager
def leaving(place: Address, now_ms: int) -> Iterator[DatabaseSource]:
    """A store to be moved away, or copied, with tables that are up to date. Raises `StoreUnusable`."""
    prepare(place, now_ms, even_moved=True)
    with _sessions(place) as (connect, _):
        yield DatabaseSource(place, connect)


class DatabaseTarget:
    """A database that becomes a store."""

    def __init__(self, place: Address, db: Connection, watch: Watch) -> None:
        self.where = str(place)
        self.db = db
        self._watch = watch

    @contextmanager
    def transaction(self, *, safe: bool = False) -> Iterator[None]:
        """Commit what happens inside, or nothing of it."""
        with _transaction(self.db, safe=safe):
            yield

    def insert(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
        opened = self.db.opened
        with self._watch.over(opened), opened.cursor() as cursor, cursor.copy(query) as copy:
            for row in rows:
                copy.write_row(row)

    def set_number(self, name: str, last: int) -> None:
        """Let the next one of this name be the one after `last`."""
        if name == "event":
            self.db.execute("UPDATE numbers SET last = ? WHERE name = ?", (last, name))
        else:
            self.db.execute("SELECT setval(?, ?, ? > 0)", (f"{name}_numbers", max(last, 1), last))

    def clear(self) -> None:
        """Empty all tables. What guards the record against that guards rows, one by one."""
        names = ", ".join(sorted({*(one.name for one in tables()), *APART} - {"migrations"}))
        with self.transaction(safe=True):
            self.db.execute(f"TRUNCATE {names}")
            self.db.execute("INSERT INTO numbers (name, last) VALUES ('event', 0)")

    def settle(self) -> None:
        """It is where it belongs. The server learns how large its tables are."""
        self.db.execute("ANALYZE")


@contextmanager
def arriving(place: Address, now_ms: int) -> Iterator[DatabaseTarget]:
    """Where a store moves to, with tables that are up to date. Raises `StoreUnusable`."""
    prepare(place, now_ms, even_moved=True)
    with _sessions(place) as (connect, watch):
        yield DatabaseTarget(place, connect(), watch)


@contextmanager
def _sessions(place: Address) -> Iterator[tuple[Callable[[], Connection], Watch]]:
    """How to open sessions, which end together. What the server or the way to it says becomes one line."""
    with ExitStack() as stack:
        watch = stack.enter_context(closing(Watch(_STEP_S)))

        def connect() -> Connection:
            return stack.enter_context(closing(Connection(place.connect(), watch.over, at_once=True)))

        try:
            yield connect, watch
        except psycopg.Error as error:
            told = later(
                "the copy was cut off at {where} ({reason}); run the same command again: it goes on from"
                " there",
                where=place,
                reason=_reason(error),
            )
            raise StoreFailed(told) from error


@contextmanager
def _transaction(db: Connection, *, safe: bool) -> Iterator[None]:
    """Commit what happens inside, or nothing of it. A `safe` one is on the disk afterwards."""
    db.execute(_BEGIN.format(wait="on" if safe else "off"))
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction and not db.opened.closed:
            with suppress(psycopg.Error):
                db.execute("ROLLBACK")
        raise


def _reason(error: psycopg.Error) -> str:
    """What the server said. About values it is asked to store it says what they are: that is left out."""
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return f"{type(error).__name__} {error.sqlstate or ''}".strip()
    return plain_reason(error)
