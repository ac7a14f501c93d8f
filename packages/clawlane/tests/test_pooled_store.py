"""Many gateways behind a pooler in transaction mode share very few sessions of the server."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from packages.clawlane.tests import pooled_server, postgres_server
from packages.clawlane.tests.opened_store import NOW, POOLED, Clock, raw, store_in

from clawlane.channel import Phase
from clawlane.store import events
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import StoreUnusable
from clawlane.store.postgres.opening import Address, Readers, open_database
from clawlane.store.transaction import Tx

pytestmark = [pytest.mark.long, pytest.mark.parametrize("engine", [POOLED], indirect=True)]
GATEWAYS = 6
CHANGES = 10
STATES = (Phase.READY, Phase.CONNECTING)
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@asynccontextmanager
async def gateways(folder: Path) -> AsyncIterator[list[tuple[Store, AccountStore]]]:
    """As many stores on one database, each with an account of its own."""
    async with AsyncExitStack() as stack:
        opened = []
        for number in range(GATEWAYS):
            store = await stack.enter_async_context(store_in(folder, Clock()))
            account = await stack.enter_async_context(store.own(f"zalouser/{number}"))
            opened.append((store, account))
        yield opened


def note_slowly(tx: Tx, phase: Phase) -> None:
    """A change that has its number for a while before it is committed."""
    events.note_state(tx, NOW, phase, "")
    tx.db.execute("SELECT pg_sleep(0.05)")


async def write(account: AccountStore) -> None:
    for number in range(CHANGES):
        await account.run(note_slowly, STATES[number % 2])


def follow(folder: Path, over: threading.Event) -> list[tuple[str, int]]:
    """The account and the number of each event, as a reader that goes by its cursor meets them.

    It has a session of its own, and so looks more often than those that share two.
    """
    seen: list[tuple[str, int]] = []
    cursor, is_last = "", False
    with Readers(Address(postgres_server.server().database(folder))) as readers:
        while not is_last:
            is_last = over.is_set()
            with readers.reading() as reader:
                page = reader.events(cursor, None, CHANGES * GATEWAYS)
            seen += [(one.account, events.number_of(one.cursor)) for one in page.events]
            cursor = page.cursor
    return seen


async def test_a_reader_of_the_feed_misses_nothing_that_many_gateways_write_at_once(tmp_path: Path) -> None:
    """Numbers of events are given in the order of commits, whatever session a transaction is given."""
    over = threading.Event()
    async with gateways(tmp_path) as opened:
        following = asyncio.create_task(asyncio.to_thread(follow, tmp_path, over))
        await asyncio.gather(*(write(account) for _, account in opened))
        over.set()
        seen = await following
        for store, _ in opened:
            with store.read() as reader:
                assert len(reader.events("", None, CHANGES * GATEWAYS).events) == CHANGES * GATEWAYS
        with raw(tmp_path) as db:
            [used] = db.execute(SESSIONS).fetchone()
    numbers = [number for _, number in seen]
    assert numbers == sorted(set(numbers))
    counted = Counter(account for account, _ in seen)
    assert counted == {f"zalouser/{number}": CHANGES for number in range(GATEWAYS)}
    assert used == pooled_server.SESSIONS


@pytest.mark.parametrize(
    ("extra", "password", "told"),
    [
        ("&options=-csearch_path%3Dlane", pooled_server.PASSWORD, "unsupported startup parameter"),
        ("", "another password", "SASL authentication failed"),
    ],
)
async def test_what_a_pooler_refuses_is_one_line(
    tmp_path: Path, extra: str, password: str, told: str
) -> None:
    place = pooled_server.place(tmp_path)
    refused = Address(place.url + extra, password)
    with pytest.raises(StoreUnusable) as error:
        async with open_database(refused, tmp_path / "audit", Clock()):
            pass
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert password not in str(error.value)
