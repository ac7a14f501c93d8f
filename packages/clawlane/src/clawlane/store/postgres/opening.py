"""The way to a database: sessions that write, and a few that are shared by whoever reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg_pool import ConnectionPool, PoolTimeout

from clawlane.credentials.sealing_key import key_of_record, mark_of
from clawlane.store import moved
from clawlane.store.account_store import Clock
from clawlane.store.audit_heads import Heads
from clawlane.store.database import Store
from clawlane.store.errors import StoreFailed, StoreUnusable
from clawlane.store.postgres import schema
from clawlane.store.postgres.connection import CLOCK, Connection, plain_reason
from clawlane.store.postgres.engine import PostgresEngine
from clawlane.store.postgres.watch import Watch, limited
from clawlane.store.reader import Reader, reading_nothing
from clawlane.store.writer import Writer
from clawlane.texts import later

_CONNECT_S = 5
_OLDEST = 150_000
"""The version of the server from which on it is supported, as it counts them itself."""

_ASIDE_S = 4
"""How long the session for urgent changes may be silent: a beat then has time for a second try."""

_READERS = 8
"""Sessions that read at the same time, in one process."""

_SETTINGS: dict[str, Any] = {
    "autocommit": True,  # transactions are begun and ended by statements
    "prepare_threshold": None,  # a pooler may give each transaction another session
    "connect_timeout": _CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "clawlane",
}
_NOTE_KEY = (
    "INSERT INTO properties (name, value) VALUES ('sealing_key', %(known)s) ON CONFLICT (name) DO NOTHING"
)
_IS_KEY = "SELECT 1 FROM properties WHERE name = 'sealing_key' AND value = %(known)s"
_READ_S = 30
"""How long one question may take."""

_READER_IDLE_S = 60
"""How long the server keeps a reader that asks nothing."""

_TRIES = 3
"""Sessions that a reader tries: one that was lost, and one that is lost meanwhile."""

_BEGIN_S = 5
"""How long a session may be silent that has nothing to do but begin: it was lost while nobody used it."""

_PATIENT_S = 40.0
"""How long an answer may take at a start or for a command, where the server itself may take 30 seconds."""

_MIGRATE_S = 3600.0
"""How long the tables may take to be brought up to date."""

_FIRST = (
    f"SELECT set_config('statement_timeout', '{_READ_S}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{_READER_IDLE_S}s', true), {CLOCK}"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. The password is no part of what is printed."""

    url: str = field(repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """`host:port/name`, for people."""
        told = conninfo.conninfo_to_dict(self.url)
        return f"{told.get('host', 'localhost')}:{told.get('port', 5432)}/{told.get('dbname', '')}"

    def check(self) -> None:
        """Check that it can be read as an address. Raises `StoreUnusable`."""
        try:
            conninfo.conninfo_to_dict(self.url)
        except psycopg.ProgrammingError as error:
            told = later(
                "the address of the database (store.url) cannot be read: {reason}", reason=plain_reason(error)
            )
            raise StoreUnusable(told) from error

    def connect(self) -> psycopg.Connection[Any]:
        """A new session. Raises `psycopg.Error`."""
        return psycopg.connect(self.url, **self.settings())

    def settings(self) -> dict[str, Any]:
        """What every session has besides the address."""
        return {**_SETTINGS, **({"password": self.password} if self.password else {})}


@asynccontextmanager
async def open_database(
    address: Address, folder: Path, now_ms: Clock, *, key: bytes = b""
) -> AsyncIterator[Store]:
    """The store in a database, for one of the gateways that write to it. Its tables are brought up to date.

    `folder` keeps what belongs beside it on this machine; `key` seals the sessions, on every machine. Without
    one, as in tests, the record has a key of this machine. Raises `StoreUnusable`.
    """
    prepare(address, now_ms())
    if key:
        _compare_keys(address, key)
    heads = Heads(folder, key_of_record(key) if key else b"", shared=True)
    writer = Writer(PostgresEngine(address.connect), heads)
    try:
        with Readers(address) as readers:
            yield Store(readers.reading, writer, now_ms, lambda: _engine_aside(address))
    finally:
        await writer.close()


def _engine_aside(address: Address) -> PostgresEngine:
    try:
        return PostgresEngine(address.connect, _ASIDE_S)
    except psycopg.Error as error:
        raise _unreachable(address, error) from error


class Readers:
    """Sessions that read, opened as they are needed."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._watch = Watch(_READ_S + 2)
        self._pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
            address.url,
            kwargs=address.settings(),
            min_size=0,
            max_size=_READERS,
            timeout=_CONNECT_S,
            reconnect_timeout=_CONNECT_S,  # else the pool waits twice as long each time, also once it is back
            max_idle=60,
            open=False,
            name="clawlane",
        )

    def __enter__(self) -> Readers:
        self._pool.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()
        self._watch.close()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader for the time of a few questions. Raises `StoreFailed` while the database is away."""
        try:
            with self._begun() as db:
                try:
                    yield Reader(db)
                finally:
                    if not db.opened.closed:
                        with self._watch.over(db.opened, _BEGIN_S):
                            db.opened.execute("ROLLBACK")
        except (psycopg.OperationalError, IdleInTransactionSessionTimeout, PoolTimeout) as error:
            told = later("the database {where} does not answer ({reason})")
            raise StoreFailed(later(told, where=self._address, reason=plain_reason(error))) from error

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A session in a transaction. Where one was lost while nobody used it, all are opened anew."""
        for left in reversed(range(_TRIES)):
            opened = self._pool.getconn()
            db = Connection(opened, self._watch.over, at_once=True)
            try:
                with self._watch.over(opened, _BEGIN_S):
                    _begin_reading(db)
            except psycopg.OperationalError:
                self._pool.putconn(opened)
                self._pool.drain()
                if not left:
                    raise
                continue
            try:
                yield db
            finally:
                self._pool.putconn(opened)
            return


def _begin_reading(db: Connection) -> None:
    """Begin a transaction that only reads, and learn its time."""
    db.begin(_FIRST, "BEGIN READ ONLY")
    db.settle()


@contextmanager
def read_once(
    address: Address, patient_s: float = _PATIENT_S, key: Callable[[], bytes] = bytes
) -> Iterator[Reader]:
    """A reader for the time of a few questions, on a session of its own. Raises `StoreUnusable`.

    A database without tables is an empty store; one of an older clawlane waits for its gateway. No answer
    is waited for longer than `patient_s`. Its marker says whether the sessions are sealed with `key`, unless
    that is empty.
    """
    try:
        opened = address.connect()
    except psycopg.Error as error:
        raise _unreachable(address, error) from error
    with closing(opened), closing(Watch(patient_s)) as watch:
        try:
            with watch.over(opened):
                found = schema.check(opened, str(address))
            if 0 < found < len(schema.MIGRATIONS):
                told = later(
                    "{path} was written by an older clawlane; start the gateway once: openclaw gateway run",
                    path=address,
                )
                raise StoreUnusable(told)
            if found:
                db = Connection(opened, watch.over, at_once=True)
                moved.check(db, str(address))
                _begin_reading(db)
                yield Reader(db, check=lambda: _check_key(address, db, key()))
                return
        except psycopg.OperationalError as error:
            raise _unreachable(address, error) from error
    with reading_nothing() as reader:
        yield reader


def prepare(address: Address, now_ms: int, *, even_moved: bool = False) -> None:
    """Check what is there, and bring the tables up to date.

    Raises `StoreUnusable`, also for a store that was moved away unless that is fine.
    """
    try:
        with address.connect() as opened, limited(opened, _MIGRATE_S):
            if opened.info.server_version < _OLDEST:
                told = later("{where} is older than PostgreSQL 15; upgrade the server", where=address)
                raise StoreUnusable(told)
            schema.migrate(opened, str(address), now_ms)
            if not even_moved:
                moved.check(Connection(opened), str(address))
    except psycopg.Error as error:
        raise _unreachable(address, error) from error


def _compare_keys(address: Address, key: bytes) -> None:
    """Sessions of one database are sealed with one key: that of the gateway which came first."""
    known = {"known": mark_of(key).hex()}
    try:
        with address.connect() as opened, limited(opened, _PATIENT_S), opened.transaction():
            opened.execute(_NOTE_KEY, known)
            row = opened.execute(_IS_KEY, known).fetchone()
    except psycopg.Error as error:
        raise _unreachable(address, error) from error
    if row is None:
        raise _other_key(address)


def _check_key(address: Address, db: Connection, key: bytes) -> None:
    """The same of a store that is only read."""
    row = db.execute("SELECT value FROM properties WHERE name = 'sealing_key'").fetchone()
    if key and row is not None and row[0] != mark_of(key).hex():
        raise _other_key(address)


def _other_key(address: Address) -> StoreUnusable:
    told = later(
        "the sealing key of this gateway is not the one that sealed the sessions in {where}; name a file"
        " with that key under secrets.keyFile",
        where=address,
    )
    return StoreUnusable(told)


def _unreachable(address: Address, error: Exception) -> StoreUnusable:
    told = later(
        "the store {where} cannot be used ({reason}); check that the database runs and that `store` in the"
        " config leads to it",
        where=address,
        reason=plain_reason(error),
    )
    return StoreUnusable(told)
