"""A store with one account on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store, open_store

LANE = "zalouser/default"
NOW = 1_700_000_000_000


@dataclass
class Clock:
    ms: int = NOW

    def __call__(self) -> int:
        return self.ms


@asynccontextmanager
async def opened_store(folder: Path, clock: Clock | None = None) -> AsyncIterator[tuple[Store, AccountStore]]:
    """The store in a folder, and its one account."""
    async with (
        open_store(folder / "store.sqlite", folder / "lock", clock or Clock()) as store,
        store.own(LANE) as account_store,
    ):
        yield store, account_store
