"""A store moves from one engine to the other and back: whole, once, and however often it is cut off."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.broken_way import Break, BrokenWay
from packages.clawlane.tests.filled_store import LAST, InDatabase, InFile
from packages.clawlane.tests.opened_store import LANE, NOW, POSTGRES, Clock, on_engine, store_in
from psycopg.conninfo import conninfo_to_dict

from clawlane.store import outbox
from clawlane.store.errors import StoreFailed, StoreLost, StoreOwned, StoreUnusable
from clawlane.store.moved import arriving
from clawlane.store.moving.move import Move, Report, Step, id_of, undo
from clawlane.store.moving.places import Source, Target
from clawlane.store.moving.rows import summary
from clawlane.store.moving.tables import Table, tables
from clawlane.store.nodes import Node, enter, leave
from clawlane.store.postgres.opening import Address, prepare
from clawlane.store.reader import reading
from clawlane.store.sql import Database
from clawlane.store.sqlite.connection import connect_writer
from clawlane.store.sqlite.connection import read_only as connect_raw

long = pytest.mark.long


@pytest.fixture
def file(tmp_path: Path) -> InFile:
    return InFile(tmp_path / "state" / "store.sqlite")


@pytest.fixture
def database(tmp_path: Path) -> InDatabase:
    return InDatabase(Address(postgres_server.server().database(tmp_path)))


def move(
    source: InFile | InDatabase,
    target: InFile | InDatabase,
    told: Callable[[Step], None] = lambda _: None,
    *,
    replace: bool = False,
    between: Callable[[Source, Target], tuple[Source, Target]] = lambda one, other: (one, other),
) -> Report:
    with source.leaving() as left, target.arriving(id_of(left.db)) as made:
        return Move(*between(left, made), NOW, told, replace=replace).run()


def numbers(db: Database) -> dict[str, int]:
    return {name: db.last_number(name) for name in LAST}


@long
def test_there_and_back_nothing_is_lost_and_only_one_store_is_in_force(
    file: InFile, database: InDatabase, tmp_path: Path
) -> None:
    with file.filled() as db:
        of = id_of(db)
    there = move(file, database)
    assert there.rows > 300
    assert all(one.rows for one in there.tables.values())
    with database.opened() as db:
        assert (id_of(db), numbers(db), db.guarded()) == (of, LAST, True)
        assert db.next_number("message") == LAST["message"] + 1
        db.execute("SELECT setval('message_numbers', ?)", (LAST["message"],))
        with pytest.raises(psycopg.IntegrityError, match="until it is pruned"):
            db.execute("DELETE FROM audit_log")
    for refused in (lambda: closing(connect_writer(file.path, NOW)), lambda: reading(file.path)):
        with pytest.raises(StoreUnusable, match=r"was moved to .*/store\d+; .*migrate --undo"), refused():
            pass
    assert move(file, database).again  # as after a crash right before the end was told

    back = move(database, file)
    assert back == there
    with closing(connect_writer(file.path, NOW)) as db:
        assert (id_of(db), numbers(db), db.guarded()) == (of, LAST, True)
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
    [aside] = file.path.parent.glob("store.sqlite.moved-*[0-9]")
    assert aside.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreUnusable, match="was moved to"):
        prepare(database.place, NOW)

    with pytest.raises(StoreUnusable, match=r"as it was before it was moved away; .*--replace"):
        move(file, database)
    assert move(file, database, replace=True) == there


class Killing:
    """A target whose process is killed at one of its commits: those before and after count one by one."""

    def __init__(self, target: Target, last: int) -> None:
        self._target, self._left = target, last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def _step(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def transaction(self, *, safe: bool = False) -> Iterator[None]:
        with self._target.transaction(safe=safe):
            yield
            self._step()
        self._step()

    def settle(self) -> None:
        self._target.settle()
        self._step()


class Leaving:
    """A source whose process is killed together with its target."""

    def __init__(self, source: Source, killing: Killing) -> None:
        self._source, self._killing = source, killing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def change(self, change: Callable[[Database], None]) -> None:
        self._source.change(change)
        self._killing._step()


def killed(step: int, source: InFile | InDatabase, target: InFile | InDatabase) -> bool:
    """Move in a process that is killed at a step. False where it came to its end before."""

    def between(left: Source, made: Target) -> tuple[Any, Any]:
        killing = Killing(made, step)
        return Leaving(left, killing), killing

    child = os.fork()
    if not child:
        try:
            move(source, target, between=between)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


WITHIN_PAGES = (3, 6, 9, 4, 7, 10)
"""Right before a page is committed, and right after. To go on is a commit, too."""

BEHIND_THE_LAST_PAGE = (5, 6, 7, 1, 2, 1)
"""Around the commit that says it is checked, once the source is left, around the one that puts the target in
force, and once that is in its place."""


def copied(target: InFile | InDatabase) -> str:
    """The table that a move is at."""
    if isinstance(target, InFile):
        opened: Any = closing(connect_raw(Path(f"{target.path}.arriving")))
    else:
        opened = target.opened()
    with opened as db:
        mark = arriving(db)
    return mark.table if mark else ""


@long
@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_move_that_is_killed_at_every_commit_ends_up_whole(
    file: InFile, database: InDatabase, direction: str
) -> None:
    """Each process gets a step further than the one before: what was copied before stays."""
    with file.filled(2):
        pass
    first = move(file, database) if direction == "back" else None
    source, target = (database, file) if first else (file, database)
    kills = 0
    while killed(WITHIN_PAGES[kills % len(WITHIN_PAGES)], source, target):
        kills += 1
        if copied(target) == tables()[-1].name:
            break
    assert kills > 20
    for step in BEHIND_THE_LAST_PAGE:
        assert killed(step, source, target), step
    assert move(source, target).again
    with source.leaving() as left, target.leaving() as made:
        assert numbers(made.db) == LAST
        assert id_of(made.db) == id_of(left.db)
        for table in tables():
            if table.name != "owners":  # whoever still runs an account of the one that was left may not write
                ours, theirs = (summary(one.db, table, lambda _: None) for one in (left, made))
                assert ours == theirs, table.name


@long
def test_what_was_stored_in_between_is_moved_too(file: InFile, database: InDatabase) -> None:
    """A move that was cut off begins anew where somebody has used the store since."""
    with file.filled():
        pass
    assert killed(100, file, database)
    with closing(connect_writer(file.path, NOW)) as db:
        db.execute("UPDATE owners SET epoch = epoch + 1")
        db.execute("UPDATE abilities SET refusals = 99")
    steps: list[Step] = []
    move(file, database, steps.append)
    assert steps[0].table == tables()[0].name
    with database.opened() as db:
        assert {row[0] for row in db.execute("SELECT refusals FROM abilities")} == {99}


@long
def test_a_store_that_changes_meanwhile_is_not_left(file: InFile, database: InDatabase) -> None:
    """In a database nothing keeps others out while it is copied: whoever came is found before it is left."""
    with file.filled():
        pass
    move(file, database)
    changed = False

    def told(_: Step) -> None:
        nonlocal changed
        if not changed:
            with database.opened() as db:
                db.execute("UPDATE owners SET epoch = epoch + 1")
            changed = True

    with pytest.raises(StoreFailed, match="has changed meanwhile; run the move again"):
        move(database, file, told)
    prepare(database.place, NOW)  # it is in force as before
    assert not move(database, file).again


@long
def test_a_store_that_a_gateway_works_with_is_not_moved(file: InFile, database: InDatabase) -> None:
    with file.filled():
        pass
    move(file, database)
    node = Node("cellar", "1" * 32, "boot")

    def told(_: Step) -> None:
        with database.opened() as db:
            enter(db, 0, node)

    with pytest.raises(StoreOwned, match="in use by the gateways cellar; stop them first"):
        move(database, file, told)  # it came while the store was copied
    with pytest.raises(StoreOwned, match="in use by the gateways cellar"):
        move(database, file)
    with database.opened() as db:
        leave(db, 0, node.name, node.instance)
    assert not move(database, file).again


@long
async def test_whoever_owns_an_account_of_a_store_that_is_left_writes_no_more(
    file: InFile, database: InDatabase, tmp_path: Path
) -> None:
    with on_engine(POSTGRES):
        async with store_in(tmp_path, Clock()) as store, store.own(LANE) as account:
            await asyncio.to_thread(move, database, file)
            with pytest.raises(StoreLost):
                await account.run(outbox.queue, None, [])
            with pytest.raises(StoreUnusable, match="was moved to"):
                await store.own("zalouser/other").__aenter__()


@long
@pytest.mark.parametrize("held", ["another store", "a part of another store", "another program"])
def test_a_place_that_holds_something_else_is_left_alone(
    file: InFile, database: InDatabase, tmp_path: Path, held: str
) -> None:
    with file.filled():
        pass
    other = InFile(tmp_path / "other" / "store.sqlite")
    with other.filled():
        pass
    if held == "another store":
        move(other, database)
    elif held == "a part of another store":
        assert killed(100, other, database)
    else:
        with database.opened() as db:
            db.execute("ALTER TABLE migrations RENAME TO theirs")
    with database.opened() as db:
        before = db.execute("SELECT count(*) FROM messages").fetchone()[0]
    try:
        with pytest.raises(
            StoreUnusable, match=r"holds (a store already|a part of another|tables of another)"
        ):
            move(file, database)
        with pytest.raises(StoreUnusable, match="holds a store already"):
            move(file, other)
    finally:
        with database.opened() as db:
            assert db.execute("SELECT count(*) FROM messages").fetchone()[0] == before
            if held == "another program":
                db.execute("ALTER TABLE theirs RENAME TO migrations")
    with closing(connect_writer(file.path, NOW)):
        pass  # it is in force as before


@long
@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER])
@pytest.mark.parametrize(("words", "back"), [(b'COPY "messages"', b"FROM messages"), (b"COMMIT", b"COMMIT")])
def test_a_way_that_breaks_is_one_line_and_the_move_goes_on(
    file: InFile, database: InDatabase, words: bytes, back: bytes, how: Break
) -> None:
    with file.filled():
        pass
    name = conninfo_to_dict(database.place.url)["dbname"]
    with BrokenWay(str(postgres_server.server().folder / ".s.PGSQL.5432")) as way:
        there = InDatabase(Address(f"postgresql://clawlane@127.0.0.1:{way.port}/{name}?sslmode=disable"))
        way.arm(words, how)
        with pytest.raises(StoreFailed, match=r"was cut off at 127.0.0.1.*run the same command again") as cut:
            move(file, there)
        assert way.broken.is_set()
        assert "\n" not in str(cut.value)
        report = move(file, there)
        way.arm(back, how)
        with pytest.raises(StoreFailed, match=r"was cut off at 127.0.0.1"):
            move(there, file)
        assert move(there, file) == report


@long
def test_texts_that_no_server_takes_are_counted_and_kept_as_what_it_takes(
    file: InFile, database: InDatabase
) -> None:
    with file.filled(text="a\0b"):
        pass
    report = move(file, database)
    assert report.changed > 300
    with database.opened() as db:
        assert db.execute("SELECT min(sender_name) FROM approved").fetchone()[0].startswith("a\ufffdb sender")
    back = move(database, file)
    assert back.changed == 0
    assert {name: one.digest for name, one in back.tables.items()} == {
        name: one.digest for name, one in report.tables.items()
    }


def test_a_copy_for_a_backup_changes_nothing_and_is_a_store(file: InFile, tmp_path: Path) -> None:
    with file.filled() as db:
        of = id_of(db)
    copy = InFile(tmp_path / "copy" / "store.sqlite")
    with file.leaving() as source, copy.arriving(of) as target:
        assert Move(source, target, NOW, lambda _: None).backed_up().rows > 300
    for one in (file, copy):
        with closing(connect_writer(one.path, NOW)) as opened:
            assert id_of(opened) == of


def test_a_store_that_was_moved_away_may_be_gone_on_with(file: InFile, tmp_path: Path) -> None:
    with file.filled():
        pass
    other = InFile(tmp_path / "other" / "store.sqlite")
    move(file, other)
    with pytest.raises(StoreUnusable, match=r"was moved to .*other.* already"):
        move(file, InFile(tmp_path / "third" / "store.sqlite"))
    with file.leaving() as source:
        assert undo(source)
    with closing(connect_writer(file.path, NOW)):
        pass


def test_a_store_that_is_not_complete_is_not_opened(file: InFile, tmp_path: Path) -> None:
    with file.filled():
        pass
    other = InFile(tmp_path / "other" / "store.sqlite")
    assert killed(60, file, other)
    for part in ("", "-wal"):
        Path(f"{other.path}.arriving{part}").rename(f"{other.path}{part}")
    with pytest.raises(StoreUnusable, match=r"the move into the store .* was cut off"):
        connect_writer(other.path, NOW)


def test_rows_that_were_lost_on_the_way_are_found(file: InFile, tmp_path: Path) -> None:
    with file.filled():
        pass
    other = InFile(tmp_path / "other" / "store.sqlite")

    class Losing:
        def __init__(self, target: Target) -> None:
            self._target = target

        def __getattr__(self, name: str) -> Any:
            return getattr(self._target, name)

        def insert(self, table: Table, rows: list[Any]) -> None:
            self._target.insert(table, rows[1:] if table.name == "webhooks" else rows)

    with pytest.raises(StoreFailed, match=r"the copy of webhooks differs \(3 rows, copied 2\)"):
        move(file, other, between=lambda left, made: (left, Losing(made)))  # type: ignore[arg-type, return-value]
    with closing(connect_writer(file.path, NOW)):
        pass
    assert not move(file, other).again
