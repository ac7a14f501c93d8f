"""What tests share: a clock, a store with its account, an empty state directory, and a lane on a bench."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import Bench, bench_in
from packages.clawlane.tests.opened_store import LANE, Clock

from clawlane.config.paths import Paths
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store, open_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "store.sqlite", tmp_path / "lock", clock) as store:
        yield store


@pytest.fixture
async def account_store(store: Store) -> AsyncIterator[AccountStore]:
    async with store.own(LANE) as account_store:
        yield account_store


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "state", tmp_path / "config.json5")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_in(tmp_path) as made:
        yield made
