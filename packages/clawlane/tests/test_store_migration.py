"""A store of an older version is brought up to date with all it holds, or stays as it was."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clawlane.messages import Receipt, Thread, ThreadKind
from clawlane.store import due, inbox, outbox, reactions, sending, unknown_sends
from clawlane.store import turns as store_turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.models import History
from clawlane.store.reader import reading
from clawlane.store.sqlite import schema
from clawlane.store.sqlite.connection import connect_writer
from clawlane.store.states import TurnState

OLD = Path(__file__).with_name("data") / "store_of_six_migrations.sql"
NOW = 1_700_003_700_000
LANE = "zalouser/default"

MIGRATE_SLOWLY = """
import signal, sqlite3, sys
from pathlib import Path
from clawlane.store.sqlite import schema

path, stop_at = Path(sys.argv[1]), int(sys.argv[2])
steps = 0

def step():
    global steps
    steps += 1
    if steps == stop_at:
        print("in the middle", flush=True)
        signal.pause()
    return 0

connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.set_progress_handler(step, 20)
schema.migrate(connection, path, 0)
print("done", flush=True)
"""

KEPT = {
    "accounts": "account, last_client_id, last_inbound_ms, last_outbound_ms, kept_from_ms",
    "approved": "*",
    "counters": "*",
    "cursors": "*",
    "gaps": "*",
    "history": "account, thread_id, message",
    "known_groups": "account, group_id, name, member_count",
    "known_people": "account, group_id, user_id, name, aliases, is_friend",
    "lookups": "*",
    "messages": "account, seq, message_id, thread_kind, thread_id, sender_id, sent_ms, admitted_ms, body",
    "owners": "account, epoch, pid, since_ms",
    "outbox": "account, id, thread_kind, thread_id, turn, recipient, client_id, body, state, attempts,"
    " reason, created_ms, due_ms, expires_ms, settled_ms, sent_ms, looked_up_ms, receipt, echo",
    "pairing": "account, sender_id, sender_name, code, reason, created_ms, expires_ms, texted_ms",
    "pauses": "account, thread_kind, thread_id, level, since_ms, until_ms, ended_ms",
    "pins": "account, list, entry, found, candidates, found_by, at_ms",
    "receipts": "account, message_id, at_ms",
    "sends": "account, chunk, thread_kind, thread_id, at_ms, digest, stranger, gap_ms",
    "undecided": "account, message",
    "decisions": "account, message, stage, at_ms, outcome, reason, rule_path, rule_origin, rule_line, trail,"
    " command, keep_as_history",
}
"""What has to be the same before and after, by table."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD.read_text())
    connection.close()
    return path


def content(path: Path, **more: str) -> dict[str, list[tuple[object, ...]]]:
    """The rows of all tables that both versions have, and the answers to some questions more."""
    connection = sqlite3.connect(path)
    try:
        told = {table: f"SELECT {columns} FROM {table}" for table, columns in KEPT.items()} | more
        return {name: sorted(connection.execute(query), key=repr) for name, query in told.items()}
    finally:
        connection.close()


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def at_work(path: Path, what: Callable[[AccountStore], object]) -> None:
    async with (
        open_store(path, path.with_name("lock"), lambda: NOW) as store,
        store.own(LANE) as account_store,
    ):
        done = what(account_store)
        if asyncio.iscoroutine(done):
            await done


async def test_all_that_stood_in_the_store_is_kept(store: Path) -> None:
    before = content(
        store,
        turns="SELECT account, message, state, attempts, reason, settled_ms FROM turns",
        given="SELECT account, turn, given.message FROM given JOIN turns ON turns.message = turn",
    )
    assert all(before.values()), "every table of the old store is filled"
    async with open_store(store, store.with_name("lock"), lambda: NOW):
        pass
    after = content(
        store,
        turns="SELECT account, turn, state, attempts, reason, settled_ms FROM turns",
        given="SELECT account, turn, message FROM given",
    )
    assert after == before
    assert ask(store, "PRAGMA foreign_key_check") == []
    assert ask(store, "PRAGMA integrity_check") == [("ok",)]
    assert ask(store, "SELECT name FROM sqlite_schema WHERE name LIKE 'old\\_%' ESCAPE '\\'") == []
    turns = ask(store, "SELECT account, turn, turn FROM turns ORDER BY account, turn")
    assert ask(store, "SELECT account, turn, message FROM turn_messages ORDER BY account, turn") == turns


async def test_new_numbers_go_on_where_the_old_ones_ended(store: Path) -> None:
    [(last_message,)] = ask(store, "SELECT seq FROM sqlite_sequence WHERE name = 'messages'")
    [(last_chunk,)] = ask(store, "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
    async with open_store(store, store.with_name("lock"), lambda: NOW):
        pass
    assert ask(store, "SELECT name, last FROM numbers ORDER BY name") == [
        ("alarm", 0),
        ("chunk", last_chunk),
        ("event", 0),
        ("message", last_message),
    ]


async def test_the_gateway_goes_on_with_what_was_open(store: Path) -> None:
    async def go_on(account_store: AccountStore) -> None:
        found = await account_store.run(unknown_sends.recover)
        assert found.unknown == 1, "what was being sent"
        turns = {turn.inbound.message_id: turn for turn in await account_store.run(store_turns.open_turns)}
        assert set(turns) == {"115", "122", "123", "124"}
        assert turns["122"].state is TurnState.REPLIED
        started = await account_store.run(store_turns.start, turns["115"].seq, History.INCLUDE)
        assert started is not None
        assert [one.text for one in started.history] == ["pended one", "pended two"]
        assert [one.text for one in started.messages] == ["@bot go on"]
        [waiting] = await account_store.run(inbox.undecided, 10)
        assert waiting.inbound.message_id == "125"
        assert await account_store.run(outbox.is_receipt, "r1")
        own = await account_store.run(reactions.target, Thread(ThreadKind.DM, "11"), "r1")
        assert own is not None
        assert own.client_id == "1700000001000"
        letter = await account_store.run(store_turns.resubmit, "103")
        assert letter.inbound.text == "a dead letter"

    await at_work(store, go_on)
    with reading(store) as reader:
        [told] = reader.decided("105")
        assert (told.standing.state, told.standing.reason) == ("stopped", "stopped: not sent")
        assert [one.message_id for one in reader.decided("114")] == ["114"]


async def test_a_queued_reply_leaves_after_the_migration(store: Path) -> None:
    async def send(account_store: AccountStore) -> None:
        chunks = {chunk.out.thread: chunk for chunk in (await account_store.run(due.waiting)).chunks}
        chunk = chunks[Thread(ThreadKind.DM, "43")]
        assert chunk.out.text == "queued one"
        assert chunk.id in await account_store.run(sending.begin, [chunk.id])
        assert await account_store.run(sending.sent, chunk.id, Receipt(("z",))) is None, (
            "its second part still waits"
        )

    await at_work(store, send)


def test_a_new_store_is_what_all_migrations_make_with_an_id_of_its_own(tmp_path: Path) -> None:
    step_by_step = sqlite3.connect(":memory:", isolation_level=None)
    step_by_step.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL)")
    for number, migration in enumerate(schema.MIGRATIONS, start=1):
        step_by_step.executescript(migration)
        step_by_step.execute("INSERT INTO migrations VALUES (?, ?)", (number, NOW))
    new, other = (connect_writer(tmp_path / name / "store.sqlite", NOW) for name in ("new", "other"))
    made, of_new, of_other = (set(one.iterdump()) for one in (step_by_step, new, other))
    for connection in (step_by_step, new, other):
        connection.close()
    assert len(of_new ^ made) == 2, "the id, and nothing else"
    assert len(of_new ^ of_other) == 2
    assert all("'id'" in row for row in (of_new ^ made) | (of_new ^ of_other))


def steps(store: Path, path: Path) -> int:
    """How many steps the migration of a copy of the store takes."""
    path.write_bytes(store.read_bytes())
    counted = 0

    def step() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.set_progress_handler(step, 20)
    schema.migrate(connection, path, 0)
    connection.close()
    return counted


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.95])
async def test_a_kill_in_the_middle_leaves_the_old_store_and_the_next_start_migrates(
    store: Path, tmp_path: Path, part: float
) -> None:
    before = content(store)
    stop_at = str(max(1, int(steps(store, tmp_path / "counted.db") * part)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE_SLOWLY, str(store), stop_at, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"in the middle\n"
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    assert content(store) == before
    [(done,)] = ask(store, "SELECT max(number) FROM migrations")
    assert 6 <= done < len(schema.MIGRATIONS)
    async with open_store(store, store.with_name("lock"), lambda: NOW):
        pass
    assert content(store) == before
    assert ask(store, "SELECT max(number) FROM migrations") == [(len(schema.MIGRATIONS),)]
