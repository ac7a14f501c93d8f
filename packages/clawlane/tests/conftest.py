"""What tests share: a clock, a store with its account, an empty state directory, and a lane on a bench."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from packages.clawlane.tests import pooled_server, postgres_server
from packages.clawlane.tests.lane_bench import Bench, bench_in
from packages.clawlane.tests.opened_store import (
    LANE,
    POOLED,
    POSTGRES,
    SQLITE,
    Clock,
    current_engine,
    on_engine,
    store_in,
)

from clawlane.config.paths import Paths
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with store_in(tmp_path, clock) as store:
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of the store run on both engines, and some through a pooler; those of a file only there."""
    name = metafunc.module.__name__.rpartition(".")[2]
    of_file = name in _OF_FILES or metafunc.definition.get_closest_marker("of_file")
    if name.startswith("test_store_") and not of_file:
        names = [POSTGRES, POOLED] if name in _POOLED else [POSTGRES]
        long = [pytest.param(name, marks=pytest.mark.long) for name in names]
        metafunc.parametrize("engine", [SQLITE, *long], indirect=True)


_OF_FILES = {
    "test_store_engines",
    "test_store_audit_kill",
    "test_store_marker",
    "test_store_media_files",
    "test_store_migration",
    "test_store_restored",
    "test_store_scale",
    "test_store_scrub",
    "test_store_sql",
    "test_store_writer",
}
"""Tests of what is done with the file of the embedded engine, and of what no database is needed for."""

_POOLED = {
    "test_store_audit_log",
    "test_store_forgetting",
    "test_store_nodes",
    "test_store_outbox",
    "test_store_pairing",
    "test_store_queues",
    "test_store_steps",
    "test_store_takeover",
}
"""Tests that run through a pooler, too."""


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine of the stores that the test opens."""
    name = getattr(request, "param", SQLITE)
    with on_engine(name):
        yield current_engine()
    postgres_server.take_back()


@pytest.fixture(scope="session", autouse=True)
def _no_server_left() -> Iterator[None]:
    yield
    pooled_server.stop()
    postgres_server.stop()
