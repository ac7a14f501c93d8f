"""The records of profiles in the database: whichever gateway runs an account finds its session there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg

from clawlane.channel import VaultClosed
from clawlane.credentials.profile_records import Kind, Owner, Record
from clawlane.store import profile_records
from clawlane.store.errors import StoreFailed, StoreLost
from clawlane.store.postgres.connection import Connection, plain_reason
from clawlane.store.postgres.watch import limited
from clawlane.store.reader import Reader
from clawlane.texts import later

_PATIENCE_S = 10
_WHOLE_S = 60.0
"""How long a change may take, with what is done while it holds all others."""

_BEGIN = (
    f"BEGIN; SET LOCAL statement_timeout = '{_PATIENCE_S}s';"
    f" SET LOCAL idle_in_transaction_session_timeout = '{_PATIENCE_S}s'"
)
_ALONE = "LOCK TABLE profile_records IN SHARE ROW EXCLUSIVE MODE"
"""Others may read meanwhile, and no other session is stored: not by a login, and not by a running account."""


class RecordTable:
    """The records as rows. What an operation changes goes over a session of its own, opened for it.

    `connect` opens one, `reading` gives a reader; `place` names the database, for people. All but the two
    that an owner calls may wait for the database, and raise `StoreFailed`, or `StoreUnusable` for a question.
    """

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[Reader]],
        connect: Callable[[], psycopg.Connection[Any]],
        place: str,
    ) -> None:
        self._reading = reading
        self._connect = connect
        self._place = place

    def load(self, record: Record) -> bytes | None:
        with self._reading() as reader:
            return reader.profile_record(record)

    def put(self, record: Record, content: bytes) -> None:
        with self._changing() as db:
            profile_records.put(db, record, content, _now_ms())

    def remove(self, record: Record) -> bool:
        with self._changing() as db:
            return profile_records.remove(db, record)

    def names(self, kind: Kind) -> list[Record]:
        with self._reading() as reader:
            return reader.profiles_with(kind)

    def changed_ms(self, record: Record) -> int | None:
        with self._reading() as reader:
            return reader.profile_record_changed_ms(record)

    def where(self, record: Record) -> str:
        del record
        return self._place

    @contextmanager
    def at_once(self) -> Iterator[RecordTable]:
        with self._reading() as reader:
            yield RecordTable(lambda: nullcontext(reader), self._connect, self._place)

    @contextmanager
    def alone(self) -> Iterator[RecordTable]:
        with self._changing() as db:
            db.execute(_ALONE)
            yield _Held(db, self._connect, self._place)

    async def refresh(self, record: Record, generation: bytes, content: bytes, owner: Owner | None) -> bool:
        if owner is None:
            return await asyncio.to_thread(self._replace, record, generation, content)
        try:
            return await owner.run(profile_records.refresh, record, generation, content)
        except StoreLost as error:
            raise VaultClosed(later("{error}; the late save is void", error=str(error))) from error

    async def put_by(self, owner: Owner, record: Record, content: bytes) -> None:
        await owner.run(profile_records.put_by_owner, record, content)

    def _replace(self, record: Record, generation: bytes, content: bytes) -> bool:
        with self._changing() as db:
            return profile_records.replace(db, record, generation, content, _now_ms())

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction of its own. It is committed at the end, or nothing of it is stored."""
        try:
            with self._connect() as opened, limited(opened, _WHOLE_S):
                opened.execute(_BEGIN)
                yield Connection(opened, at_once=True)
                opened.execute("COMMIT")
        except psycopg.Error as error:
            told = later(
                "the database {place} does not take the change ({reason}); check that it runs and has space",
                place=self._place,
                reason=plain_reason(error),
            )
            raise StoreFailed(told) from error


class _Held(RecordTable):
    """The records inside the transaction that keeps all others from changing a session."""

    def __init__(self, db: Connection, connect: Callable[[], psycopg.Connection[Any]], place: str) -> None:
        super().__init__(lambda: nullcontext(Reader(db)), connect, place)
        self._db = db

    @contextmanager
    def alone(self) -> Iterator[RecordTable]:
        yield self

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        yield self._db


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
