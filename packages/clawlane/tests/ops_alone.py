"""Operations without a gateway: what they are given, and the store as a gateway would hold it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clawlane.channel import Manifest
from clawlane.config.paths import Paths
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Caller
from clawlane.plugins.registry import Registry
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store

NOW = 1_700_000_000_000
LANE = "zalouser/default"


class AnyChannel(Registry):
    """Any channel, without its package."""

    def find(self, name: str) -> Manifest:
        return Manifest(name, name.title(), (), "", "", frozenset())


def context(paths: Paths) -> OpContext:
    return OpContext(paths, {}, lambda: NOW, Caller.CLI, plugins=AnyChannel(paths))


@asynccontextmanager
async def owned(paths: Paths, account: str = LANE) -> AsyncIterator[AccountStore]:
    """The store of an account, as a gateway holds it."""
    async with (
        open_store(paths.store, paths.lock_file, lambda: NOW) as store,
        store.own(account) as account_store,
    ):
        yield account_store
