"""A store with one account on a clock that the test moves, on the engine that the test is for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from packages.clawlane.tests import pooled_server, postgres_server

from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store, open_store
from clawlane.store.postgres.connection import Connection
from clawlane.store.postgres.opening import Address, Readers, open_database
from clawlane.store.reader import Reader, reading
from clawlane.store.sql import Database
from clawlane.store.sqlite.connection import connect_writer

LANE = "zalouser/default"
NOW = 1_700_000_000_000
SQLITE, POSTGRES = "sqlite", "postgres"
POOLED = "pooled"
"""PostgreSQL behind a pooler."""

_engine, _pooled = SQLITE, False


@contextmanager
def on_engine(name: str) -> Iterator[None]:
    """Stores that are opened inside are on this engine."""
    global _engine, _pooled
    before = _engine, _pooled
    _engine, _pooled = (POSTGRES, True) if name == POOLED else (name, False)
    try:
        yield
    finally:
        _engine, _pooled = before


def current_engine() -> str:
    """The engine of the stores that are opened now."""
    return _engine


@dataclass
class Clock:
    ms: int = NOW

    def __call__(self) -> int:
        return self.ms


def store_in(folder: Path, clock: Clock, lock: str = "lock") -> AbstractAsyncContextManager[Store]:
    """The store of a folder, on the engine that the test is for."""
    if _engine == POSTGRES:
        return open_database(way(folder), folder / "audit", clock)
    return open_store(folder / "store.sqlite", folder / lock, clock)


@contextmanager
def reading_in(folder: Path) -> Iterator[Reader]:
    """A reader of the store of a folder, whether or not it is open."""
    if _engine == POSTGRES:
        with Readers(way(folder)) as readers, readers.reading() as reader:
            yield reader
    else:
        with reading(folder / "store.sqlite") as reader:
            yield reader


@contextmanager
def raw(folder: Path, *, guarded: bool = True) -> Iterator[Database]:
    """The database of a folder, for a test's own statements; triggers are off where it is not `guarded`."""
    if _engine == POSTGRES:
        with closing(Connection(_place(folder).connect(), at_once=True)) as db:
            if not guarded:
                db.execute("SET session_replication_role = replica")
            yield db
        return
    with closing(connect_writer(folder / "store.sqlite", NOW)) as file:
        triggers = file.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in () if guarded else triggers:
            file.execute(f"DROP TRIGGER {name}")
        yield file
        for _, sql in () if guarded else triggers:
            file.execute(sql)


def dumped(folder: Path) -> dict[str, str]:
    """All that the tables of a database hold, by their names."""
    with closing(Connection(_place(folder).connect(), at_once=True)) as db:
        names = [row[0] for row in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        rows = {name: db.execute(f"SELECT t::text FROM {name} AS t") for name in names}
        return {name: "\n".join(row[0] for row in found) for name, found in rows.items()}


def way(folder: Path) -> Address:
    """How the store of a folder is reached: straight or through the pooler."""
    return pooled_server.place(folder) if _pooled else _place(folder)


def _place(folder: Path) -> Address:
    return Address(postgres_server.server().database(folder))


@asynccontextmanager
async def opened_store(folder: Path, clock: Clock | None = None) -> AsyncIterator[tuple[Store, AccountStore]]:
    """The store in a folder, and its one account."""
    async with store_in(folder, clock or Clock()) as store, store.own(LANE) as account_store:
        yield store, account_store
