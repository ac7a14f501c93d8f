"""The two engines have the same tables, columns and indexes, and do what the writer asks of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.broken_way import Break, BrokenWay, socket_of, through
from packages.clawlane.tests.opened_store import LANE, NOW, POOLED, POSTGRES, Clock, raw, store_in, way
from psycopg.errors import IntegrityError, NotNullViolation

from clawlane.channel import Phase
from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import events, nodes, outbox
from clawlane.store.errors import NodeTaken, StoreFailed, StoreLost, StoreUnusable
from clawlane.store.postgres import schema
from clawlane.store.postgres.connection import Connection
from clawlane.store.postgres.opening import Address, open_database, read_once
from clawlane.store.postgres.translation import translated
from clawlane.store.rows import insert
from clawlane.store.sql import Database
from clawlane.store.sqlite.connection import connect_nothing
from clawlane.store.transaction import Tx

TYPES = {"TEXT": "text", "INTEGER": "bigint", "BLOB": "bytea", "REAL": "double precision"}
TEXTS = [Text(Thread(ThreadKind.DM, "11"), "chào")]
POSTGRES_ONLY = pytest.mark.parametrize("engine", [POSTGRES, POOLED], indirect=True)


@pytest.fixture
def place(tmp_path: Path) -> Address:
    return Address(postgres_server.server().database(tmp_path))


@pytest.fixture
def database(place: Address) -> Iterator[Connection]:
    with closing(Connection(place.connect(), at_once=True)) as opened:
        yield opened


def columns_of_file() -> dict[str, dict[str, tuple[str, bool]]]:
    """Type, and whether it may be null, by table and column."""
    with closing(connect_nothing()) as file:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        tables = [row["name"] for row in file.execute(query)]
        return {
            table: {
                row["name"]: (TYPES[row["type"]], bool(row["notnull"] or row["pk"]))
                for row in file.execute(f"PRAGMA table_info({table})")
            }
            for table in tables
        }


def columns_of_database(db: Connection) -> dict[str, dict[str, tuple[str, bool]]]:
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    query = (
        "SELECT table_name, column_name, data_type, is_nullable, collation_name"
        " FROM information_schema.columns WHERE table_schema = 'public'"
    )
    for table, column, type_, null, collation in db.execute(query):
        assert collation in (None, "C"), (table, column)
        found.setdefault(table, {})[column] = (type_, null == "NO")
    return found


@pytest.mark.long
def test_tables_columns_and_indexes_are_the_same(database: Connection) -> None:
    ours, theirs = columns_of_file(), columns_of_database(database)
    assert set(ours) == set(theirs)
    for table, columns in ours.items():
        assert columns == theirs[table], table
    with closing(connect_nothing()) as file:
        query = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql <> ''"
        names = {row["name"] for row in file.execute(query)}
    made = [
        row[0] for row in database.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    ]
    assert names <= set(made)
    assert {one for one in made if not one.endswith(("_pkey", "_key"))} == names


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "SELECT 1 FROM turns WHERE run = ? AND note = :told",
            "SELECT 1 FROM turns WHERE run = %s AND note = %(told)s",
        ),
        ("SELECT '?:x%' WHERE a LIKE '%' || ?", "SELECT '?:x%%' WHERE a LIKE '%%' || %s"),
        ("SELECT t::text, CAST(who AS BLOB)", "SELECT t::text, who"),
    ],
)
def test_a_statement_is_translated_outside_of_its_words(written: str, read: str) -> None:
    assert translated(written) == read


@pytest.mark.long
def test_what_no_server_takes_is_stored_as_what_it_takes(database: Connection) -> None:
    values = ("a\0b", True, 2**40, b"\0\xff")
    row = database.execute("SELECT ? AS text, ? AS flag, ? AS number, ? AS bytes", values).fetchone()
    assert row is not None
    assert list(row) == ["a\ufffdb", 1, 2**40, b"\0\xff"]
    assert (row["text"], row.keys()) == ("a\ufffdb", ["text", "flag", "number", "bytes"])


@pytest.mark.long
def test_a_database_of_another_program_is_left_alone(place: Address, tmp_path: Path) -> None:
    with place.connect() as db:
        db.execute("ALTER TABLE migrations RENAME TO theirs")
    try:
        with pytest.raises(StoreUnusable, match="another program"):
            asyncio.run(opened(place, tmp_path))
    finally:
        with place.connect() as db:
            db.execute("ALTER TABLE theirs RENAME TO migrations")


@pytest.mark.long
def test_a_newer_database_is_left_alone_unless_this_version_can_work_on_it(
    place: Address, tmp_path: Path
) -> None:
    """Gateways are upgraded one after the other: one that has its turn later must still be able to start."""
    told = "INSERT INTO properties VALUES ('oldest schema beside', %s)"
    told += " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    try:
        for beside, works in ((len(schema.MIGRATIONS), True), (99, False)):
            with place.connect() as db:
                db.execute("INSERT INTO migrations VALUES (99, 0) ON CONFLICT DO NOTHING")
                db.execute(told, (str(beside),))
            refused = pytest.raises(StoreUnusable, match=r"newer clawlane \(schema 99")
            with nullcontext() if works else refused:
                asyncio.run(opened(place, tmp_path))
    finally:
        with place.connect() as db:
            db.execute("DELETE FROM migrations WHERE number = 99")


@pytest.mark.long
async def test_a_database_that_is_away_loses_nothing_and_is_used_again_by_itself(tmp_path: Path) -> None:
    """Whoever reads is told so, and whoever has something to store waits, but neither once it is back."""
    programs = postgres_server.programs()
    if programs is None:
        postgres_server.server()  # which says what is missing
    assert programs is not None
    server = postgres_server.Server(programs, safe=True)
    try:
        place = Address(server.database(tmp_path))
        async with open_database(place, tmp_path / "audit", Clock()) as store, store.own(LANE) as account:
            [first] = await account.run(outbox.queue, None, TEXTS)
            with store.read(), store.read(), store.read() as reader:  # sessions that will be lost
                assert [one.id for one in reader.outbox()] == [first]
            server.crash()
            with pytest.raises(StoreFailed, match="takes no changes"):
                await account.attempt(outbox.queue, None, TEXTS)
            assert store.failing
            for _ in range(3):
                with pytest.raises(StoreFailed, match="does not answer"), store.read():
                    pass
            waiting = asyncio.create_task(account.run(outbox.queue, None, TEXTS))
            server.start()
            [second] = await waiting
            with store.read() as reader:
                assert [one.id for one in reader.outbox()] == [first, second]
            assert not store.failing
    finally:
        server.stop()


@pytest.mark.long
@pytest.mark.parametrize("words", [b"migrations", b"READ ONLY", b"FROM outbox"])
def test_a_command_does_not_wait_without_end_for_a_server_that_is_gone(tmp_path: Path, words: bytes) -> None:
    straight = way(tmp_path)
    with BrokenWay(str(socket_of(straight))) as broken:
        place = Address(through(broken, straight), straight.password)
        broken.arm(words, Break.SILENT)
        with pytest.raises((StoreUnusable, StoreFailed)), read_once(place, patient_s=1) as reader:
            reader.outbox()
        assert broken.broken.is_set()


def test_a_server_that_is_not_there_is_one_line_without_a_password(tmp_path: Path) -> None:
    place = Address("postgresql://lane@127.0.0.1:1/lane", "a password nobody may see")
    with pytest.raises(StoreUnusable) as refused:
        asyncio.run(opened(place, tmp_path))
    told = str(refused.value)
    assert "the store 127.0.0.1:1/lane cannot be used" in told
    assert "\n" not in told
    assert "password nobody" not in told + repr(place)


async def opened(place: Address, folder: Path) -> None:
    async with open_database(place, folder / "audit", Clock()):
        pass


@pytest.mark.long
@POSTGRES_ONLY
async def test_a_session_that_is_lost_is_opened_again_and_nothing_is_done_twice(tmp_path: Path) -> None:
    async with store_in(tmp_path, Clock()) as store, store.own(LANE) as account:
        [first] = await account.run(outbox.queue, None, TEXTS)
        with raw(tmp_path) as db:
            db.execute(KILL_OTHERS)
        [second] = await account.run(outbox.queue, None, TEXTS)
        with store.read() as reader:
            assert [one.id for one in reader.outbox()] == [first, second]


KILL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@pytest.mark.long
@POSTGRES_ONLY
async def test_a_transaction_that_does_nothing_is_ended_by_the_server(tmp_path: Path) -> None:
    """Its locks would hold up every other gateway."""
    async with store_in(tmp_path, Clock()) as store, store.own(LANE) as account, store.own("zalouser/b"):
        held, over = threading.Event(), threading.Event()

        def frozen(tx: Tx) -> None:
            events.note_state(tx, NOW, Phase.READY, "")
            held.set()
            over.wait()

        stuck = asyncio.create_task(account.attempt(frozen))
        await asyncio.to_thread(held.wait)
        async with store_in(tmp_path, Clock(), lock="other") as other, other.own("zalouser/c") as another:
            await another.run(events.note_state, NOW, Phase.READY, "")
        over.set()
        with pytest.raises(StoreFailed):
            await stuck


@pytest.mark.long
@POSTGRES_ONLY
async def test_a_statement_that_fails_at_the_commit_costs_only_its_own_change(tmp_path: Path) -> None:
    """Nobody waits for it before: it goes to the server with the commit, and with what others ask."""
    begun, over = threading.Event(), threading.Event()

    def slow(_tx: Tx) -> None:
        begun.set()
        over.wait()

    def wrong(tx: Tx) -> None:
        insert(tx, "counters", reason=None, n=1)

    def right(tx: Tx) -> None:
        insert(tx, "counters", reason="right", n=1)

    async with store_in(tmp_path, Clock()) as store, store.own(LANE) as account:
        with pytest.raises(IntegrityError):
            await account.run(wrong)
        first = asyncio.create_task(account.run(slow))
        await asyncio.to_thread(begun.wait)
        group = [asyncio.create_task(account.run(one)) for one in (wrong, right, wrong)]
        await asyncio.sleep(0)
        over.set()
        await first
        results = await asyncio.gather(*group, return_exceptions=True)
    assert [type(result) for result in results] == [NotNullViolation, type(None), NotNullViolation]
    with raw(tmp_path) as db:
        assert [row["reason"] for row in db.execute("SELECT reason FROM counters")] == ["right"]


@pytest.mark.long
@POSTGRES_ONLY
async def test_whoever_takes_an_account_over_waits_for_a_change_and_ends_the_next(tmp_path: Path) -> None:
    async with store_in(tmp_path, Clock()) as store, store.own(LANE) as older:
        begun, over = threading.Event(), threading.Event()

        def slow(tx: Tx) -> None:
            begun.set()
            over.wait()
            outbox.queue(tx, None, TEXTS)

        changing = asyncio.create_task(older.attempt(slow))
        await asyncio.to_thread(begun.wait)
        async with store_in(tmp_path, Clock(), lock="other") as other:
            owning = other.own(LANE)
            taking = asyncio.create_task(owning.__aenter__())
            over.set()
            await changing
            newer = await taking
            with pytest.raises(StoreLost):
                await older.run(outbox.queue, None, TEXTS)
            await newer.run(outbox.queue, None, TEXTS)
            with other.read() as reader:
                assert len(reader.outbox()) == 2
            await owning.__aexit__(None, None, None)


@pytest.mark.long
@POSTGRES_ONLY
async def test_a_beat_waits_for_no_other_change(tmp_path: Path) -> None:
    begun, over = threading.Event(), threading.Event()

    def slow(_db: Database, _now_ms: int) -> None:
        begun.set()
        over.wait()

    async with store_in(tmp_path, Clock()) as store, store.aside() as beats:
        await store.change(nodes.enter, nodes.Node("a", "run a", "boot"))
        changing = asyncio.create_task(store.change(slow))
        await asyncio.to_thread(begun.wait)
        await beats.change(nodes.beat, "a", "run a")
        with pytest.raises(NodeTaken):
            await beats.change(nodes.beat, "a", "run b")
        assert not changing.done()
        over.set()
        await changing


@pytest.mark.long
@POSTGRES_ONLY
async def test_sessions_that_are_dead_are_got_over(tmp_path: Path) -> None:
    """Of beats so soon that the lease holds."""
    straight = way(tmp_path)
    with BrokenWay(str(socket_of(straight))) as broken:
        place = Address(through(broken, straight), straight.password)
        async with open_database(place, tmp_path / "audit", Clock()) as store, store.aside() as beats:
            await beats.change(nodes.enter, nodes.Node("a", "run a", "boot"))
            with store.read() as reader:
                [entered] = reader.nodes()
            broken.silence()
            with pytest.raises(StoreFailed):
                await beats.change(nodes.beat, "a", "run a")
            with pytest.raises(StoreFailed, match="does not answer"), store.read():
                pass
            broken.mend()
            await beats.change(nodes.beat, "a", "run a")
            with store.read() as reader:
                [beaten] = reader.nodes()
    assert beaten.beat_ms > entered.beat_ms


@pytest.mark.long
@pytest.mark.parametrize("how", Break)
@POSTGRES_ONLY
async def test_a_way_that_breaks_at_the_commit_loses_and_doubles_nothing(tmp_path: Path, how: Break) -> None:
    """Where the commit went through, its transaction is not carried out again; where it did not, it is."""
    runs: list[int] = []

    def queue(tx: Tx) -> list[int]:
        runs.append(1)
        return outbox.queue(tx, None, TEXTS)

    straight = way(tmp_path)
    with BrokenWay(str(socket_of(straight))) as broken:
        place = Address(through(broken, straight), straight.password)
        async with open_database(place, tmp_path / "audit", Clock()) as store, store.own(LANE) as account:
            broken.arm(b"COMMIT", how)
            queued = await account.run(queue)
            assert broken.broken.is_set()
            with store.read() as reader:
                assert [one.id for one in reader.outbox()] == queued
    assert len(runs) == (1 if how is Break.AFTER else 2)
