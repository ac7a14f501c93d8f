"""The writing thread: what is synced, what is undone, and what becomes of callers when it dies."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Event

import pytest

from clawlane.store.errors import StoreError, StoreUnusable
from clawlane.store.sql import savepoint
from clawlane.store.sqlite.connection import Connection, connect_writer
from clawlane.store.sqlite.engine import SqliteEngine
from clawlane.store.writer import STUCK_S, Writer


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    made = Writer(SqliteEngine(connect_writer(tmp_path / "store.sqlite", 0)))
    yield made
    await made.close()


def synchronous(connection: sqlite3.Connection) -> int:
    """1 is NORMAL, 2 is FULL."""
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


class Busy:
    """Keeps the writer busy, so that what is submitted meanwhile is one group."""

    def __init__(self) -> None:
        self.begun, self.over = Event(), Event()

    def __call__(self, _: sqlite3.Connection) -> None:
        self.begun.set()
        self.over.wait()


async def test_a_change_that_does_not_end_is_no_good_news(tmp_path: Path) -> None:
    engine = SqliteEngine(connect_writer(tmp_path / "store.sqlite", 0))
    seconds = [100.0]
    writer, busy = Writer(engine, clock=lambda: seconds[0]), Busy()
    hanging = writer.submit(busy)
    await asyncio.to_thread(busy.begun.wait)
    seconds[0] += STUCK_S
    assert (writer.stuck, writer.failing) == ("", "")
    seconds[0] += 1
    assert writer.stuck == writer.failing
    assert "nothing has been stored for 16 s" in writer.failing
    busy.over.set()
    await hanging
    await writer.submit(synchronous)
    assert (writer.stuck, writer.failing) == ("", "")
    await writer.close()


async def test_one_that_is_not_lazy_makes_its_whole_group_safe(writer: Writer) -> None:
    busy = Busy()
    first = writer.submit(busy, lazy=True)
    await asyncio.to_thread(busy.begun.wait)
    group = [writer.submit(synchronous, lazy=lazy) for lazy in (True, False, True)]
    busy.over.set()
    await first
    assert await asyncio.gather(*group) == [2, 2, 2]
    assert await writer.submit(synchronous, lazy=True) == 1
    assert await writer.submit(synchronous) == 2


async def test_a_transition_that_raises_leaves_nothing_and_costs_its_group_nothing(writer: Writer) -> None:
    def make(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE counted (number INTEGER)")

    def insert(number: int, error: Exception | None = None) -> object:
        def transition(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO counted VALUES (?)", (number,))
            if error is not None:
                raise error

        return transition

    await writer.submit(make)
    busy = Busy()
    first = writer.submit(busy)
    await asyncio.to_thread(busy.begun.wait)
    steps = [insert(1), insert(2, StoreError("no")), insert(3, ValueError("no")), insert(4)]
    group = [writer.submit(step) for step in steps]  # type: ignore[arg-type]
    busy.over.set()
    await first
    results = await asyncio.gather(*group, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StoreError, ValueError, type(None)]

    def rows(connection: sqlite3.Connection) -> list[int]:
        return [number for (number,) in connection.execute("SELECT number FROM counted ORDER BY number")]

    assert await writer.submit(rows) == [1, 4]


async def test_a_group_is_carried_out_again_only_if_a_failed_transition_changed_something(
    writer: Writer,
) -> None:
    runs: list[str] = []

    def make(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE counted (number INTEGER)")

    def insert(connection: sqlite3.Connection) -> None:
        runs.append("insert")
        connection.execute("INSERT INTO counted VALUES (1)")

    def fail(_: sqlite3.Connection) -> None:
        raise StoreError("no")

    def insert_and_fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO counted VALUES (2)")
        raise StoreError("no")

    async def in_one_group(*transitions: Callable[[sqlite3.Connection], None]) -> list[type]:
        busy = Busy()
        first = writer.submit(busy)
        await asyncio.to_thread(busy.begun.wait)
        group = [writer.submit(transition) for transition in transitions]
        busy.over.set()
        await first
        return [type(result) for result in await asyncio.gather(*group, return_exceptions=True)]

    await writer.submit(make)
    assert await in_one_group(insert, fail, insert) == [type(None), StoreError, type(None)]
    assert runs == ["insert", "insert"]
    runs.clear()
    assert await in_one_group(insert, insert_and_fail, insert) == [type(None), StoreError, type(None)]
    assert runs == ["insert", "insert", "insert"]


@pytest.mark.parametrize("error", [StoreError("no"), ValueError("no")])
async def test_a_transition_that_is_alone_and_raises_leaves_nothing(writer: Writer, error: Exception) -> None:
    def make(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE counted (number INTEGER)")

    def insert_and_raise(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO counted VALUES (1)")
        raise error

    def count(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM counted").fetchone()[0])

    await writer.submit(make)
    with pytest.raises(type(error)):
        await writer.submit(insert_and_raise)
    assert await writer.submit(count) == 0


async def test_an_error_that_somebody_keeps_keeps_nothing_open(writer: Writer) -> None:
    """Rows that were asked for and not read would keep the file from being written anew."""

    def asks(connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT 1 UNION SELECT 2")
        raise ValueError(next(rows)[0])

    with pytest.raises(ValueError, match="1") as kept:
        await writer.submit(asks)
    await writer.rewrite()
    assert kept.value.__traceback__ is not None


def test_a_savepoint_undoes_only_what_is_inside() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
    connection.execute("CREATE TABLE counted (number INTEGER)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO counted VALUES (1)")

    def interrupted() -> None:
        with savepoint(connection):
            connection.execute("INSERT INTO counted VALUES (2)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    connection.execute("COMMIT")
    assert connection.execute("SELECT number FROM counted").fetchall() == [(1,)]
    connection.close()


async def test_when_the_thread_dies_everybody_who_waits_is_told(writer: Writer) -> None:
    busy = Busy()

    def die(connection: sqlite3.Connection) -> None:
        busy(connection)
        raise SystemExit("killed")

    first = writer.submit(die)
    await asyncio.to_thread(busy.begun.wait)
    waiting = [writer.submit(synchronous) for _ in range(300)]
    busy.over.set()
    for future in (first, *waiting, writer.submit(synchronous)):
        with pytest.raises(StoreUnusable, match=r"no longer be written \(SystemExit\); start"):
            await future
    assert isinstance(await writer.dead, StoreUnusable)
    with pytest.raises(StoreUnusable):
        await writer.submit(synchronous)


async def test_what_comes_after_the_end_is_refused_and_does_not_wait(writer: Writer) -> None:
    await writer.close()
    for late in (writer.submit(synchronous), writer.rewrite()):
        with pytest.raises(StoreUnusable, match="the store is closed"):
            await late


async def test_news_of_an_account_wakes_who_listens_to_it_or_to_all(writer: Writer) -> None:
    with writer.listening("zalouser/a") as ours, writer.listening() as everybody:
        await writer.submit(lambda _: writer.news("zalouser/b"))
        assert (ours.is_set(), everybody.is_set()) == (False, True)
        await writer.submit(lambda _: writer.news("zalouser/a"))
        assert ours.is_set()
