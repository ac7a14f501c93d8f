"""A gateway as a node: what it claims, and what it says of accounts that others are to run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from packages.clawlane.tests.opened_store import LANE, Clock, raw, store_in
from packages.clawlane.tests.test_ops_pause import House, Installed

from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.cluster import entered, why_elsewhere
from clawlane.gateway.lease import Lease
from clawlane.store import claims
from clawlane.store.alarm_told import Change
from clawlane.store.claims import Claimant, Standing
from clawlane.store.database import Store
from clawlane.store.errors import NodeTaken
from clawlane.store.nodes import CLEAN, Entered

NOW = 1_000_000
OLD = NOW - 600_000


def there(name: str, age_ms: int = 1000) -> Entered:
    return Entered(name, f"{name}1", {}, None, OLD, NOW - age_ms, age_ms, None, "")


def reason(one: Standing, *nodes: Entered) -> tuple[str, bool]:
    return why_elsewhere(one, {node.name: node for node in nodes}, NOW)


def test_a_node_that_is_to_run_an_account_and_does_not_take_it_is_named() -> None:
    moves = Standing(LANE, 3, "a", "a1", "b", CLEAN, NOW - 5_000)
    assert reason(moves, there("a"), there("b")) == ("another node is about to run it", False)
    told, waits = reason(Standing(LANE, 3, "a", "a1", "b", CLEAN, OLD), there("a"), there("b"))
    assert told.startswith("node b, which is to run it, does not take it: does the config there have it?")
    assert told.endswith("openclaw cluster move zalouser/default NODE")
    assert waits


def test_a_node_that_was_to_run_an_account_and_is_lost_is_not_waited_for() -> None:
    told, waits = reason(Standing(LANE, 3, "a", "a1", "b", CLEAN, OLD), there("b", 60_000))
    assert told.startswith("its node a does not run it")
    assert waits


class Hands:
    """Runs what it is told to, until a test drops that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.me = Claimant("", "")
        self.runs: set[str] = set()
        self.taken: asyncio.Queue[str] = asyncio.Queue()
        self.running: asyncio.Task[None]

    def here(self) -> list[str]:
        return list(self.runs)

    async def take(self, account: str) -> None:
        await self._store.change(lambda db, _: claims.claim(db, account, self.me, 1))
        self.runs.add(account)
        self.taken.put_nowait(account)

    async def give_up(self, account: str, reason: str) -> None:
        self.runs.discard(account)

    async def lose(self, reason: str) -> None:
        self.runs.clear()

    async def elsewhere(self, reasons: Mapping[str, str]) -> None:
        """Nobody asks."""

    def found(self, account: str, change: Change) -> None:
        """Nobody asks."""


@asynccontextmanager
async def at_work(folder: Path, lease: Lease) -> AsyncIterator[Hands]:
    """A node that is to run the account."""
    house = House(Paths(folder, folder / "config.json5"))
    config = load(house.paths, Installed(house.paths), {})
    async with store_in(folder, Clock()) as store:
        hands = Hands(store)
        async with (
            asyncio.timeout(20),
            entered(store, hands, lambda: config, folder / "lock", lease) as cluster,
        ):
            hands.me = cluster.me()
            await store.change(claims.know, [LANE])
            await store.change(claims.move, LANE, hands.me.name)
            hands.running = asyncio.create_task(cluster.run())
            yield hands
            hands.running.cancel()
            await asyncio.wait([hands.running])


async def test_an_account_that_is_not_run_any_more_is_claimed_anew(tmp_path: Path) -> None:
    """By the database this node runs it still: others leave it alone."""
    async with at_work(tmp_path, Lease()) as hands:
        assert await hands.taken.get() == LANE
        hands.runs.discard(LANE)
        assert await hands.taken.get() == LANE


async def test_accounts_are_claimed_anew_after_a_look_that_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lease = Lease()
    async with at_work(tmp_path, lease) as hands:
        assert await hands.taken.get() == LANE
        file, away = tmp_path / "store.sqlite", tmp_path / "away"
        file.rename(away)  # what writes has it open; nobody can read
        lease.end()
        hands.runs.clear()
        while "could not look for accounts" not in caplog.text:  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.01)
        away.rename(file)
        assert await hands.taken.get() == LANE


async def test_a_database_that_was_put_back_ends_a_gateway_with_one_line(tmp_path: Path) -> None:
    async with at_work(tmp_path, Lease(lasts_s=5)) as hands:
        assert await hands.taken.get() == LANE
        with raw(tmp_path) as db:
            db.execute("DELETE FROM nodes")
        await asyncio.wait([hands.running])
        [error] = cast("BaseExceptionGroup[BaseException]", hands.running.exception()).exceptions
        assert isinstance(error, NodeTaken)
        assert hands.here() == []
