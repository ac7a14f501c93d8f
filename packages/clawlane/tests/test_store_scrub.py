"""What was recalled leaves the file and its write-ahead log, also while somebody reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from packages.clawlane.tests.opened_store import NOW, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Text, Thread, ThreadKind, Undone
from clawlane.store import inbox, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.models import AdmittedMessage, NewMessage
from clawlane.store.sqlite.connection import connect_reader, connect_writer

DM = Thread(ThreadKind.DM, "11")
SECRET = b"the card is 4111"
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("dmPolicy"))


def stored(path: Path) -> bytes:
    log = Path(f"{path}-wal")
    return path.read_bytes() + (log.read_bytes() if log.exists() else b"")


def test_copies_of_pages_stay_in_memory(tmp_path: Path) -> None:
    """A savepoint keeps copies of the pages that change: they must not go to a temporary file."""
    connection = connect_writer(tmp_path / "store.sqlite", NOW)
    [in_memory] = connection.execute("PRAGMA temp_store").fetchone()
    connection.close()
    assert in_memory == 2


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 — what another thread does to a file has no event
        await asyncio.sleep(0.02)


async def answer(account_store: AccountStore) -> None:
    """A long message with a reply that repeats it and has not left."""
    text = f"{SECRET.decode()} {'x' * 20_000}"
    inbound = Inbound("default", "m1", DM, "11", "", text, NOW)
    [admitted] = await account_store.run(
        inbox.admit_all, [NewMessage(inbound, ADMIT, PairingReply.CODE, NOW)]
    )
    assert isinstance(admitted, AdmittedMessage)
    await account_store.run(turns.reply, admitted.seq, [Text(DM, text)])


async def test_a_recalled_text_leaves_the_files_of_a_store_that_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened_store(tmp_path) as (_, account_store):
        await answer(account_store)
        assert SECRET in stored(path)
        await account_store.run(inbox.admit_all, [Undone("default", DM, "m1", "11")])
        await until(lambda: SECRET not in stored(path))


async def test_a_reader_only_delays_that(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened_store(tmp_path) as (_, account_store):
        await answer(account_store)
        reader = connect_reader(path)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM messages WHERE body IS NOT NULL").fetchone()[0] == 1
        await account_store.run(inbox.admit_all, [Undone("default", DM, "m1", "11")])
        assert await account_store.run(turns.open_turns) == [], "nobody waits for the reader"
        assert SECRET in stored(path)
        reader.close()
        await until(lambda: SECRET not in stored(path))


async def test_the_end_of_the_process_comes_after_it(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened_store(tmp_path) as (_, account_store):
        bystander = connect_reader(path)  # so that closing the store does not empty the log by itself
        bystander.execute("SELECT count(*) FROM messages").fetchone()
        await answer(account_store)
        await account_store.run(inbox.admit_all, [Undone("default", DM, "m1", "11")])
    assert SECRET not in stored(path)
    bystander.close()
