"""Where commands ask whom an account knows: the running gateway, or else the stored session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from clawlane.abilities import DirectoryError, Group, Members, Person
from clawlane.access.entries import well_formed
from clawlane.access.pins import Name
from clawlane.cli.failure import CliError
from clawlane.cli.setup import Meant, Setup
from clawlane.host.control_client import ControlClient
from clawlane.host.lookup import Lookup
from clawlane.host.names import look_up
from clawlane.host.pinning import ask
from clawlane.store.errors import StoreOwned
from clawlane.store.pins import LookedUp
from clawlane.store.store import open_store
from clawlane.store.vault import FileVault

T = TypeVar("T")
_GROUP = "group:"


class Source:
    """The questions about one account. They raise `DirectoryError` and `ControlError`."""

    def __init__(self, setup: Setup, meant: Meant) -> None:
        self._setup = setup
        self._meant = meant
        self._client = ControlClient(setup.places)
        self._running = meant.configured and self._client.running()

    def self_(self) -> Person:
        """The account itself."""
        if self._running:
            return _person(self._told("self"))
        return self._ask(lambda lookup: lookup.self_())

    def peers(self) -> list[Person]:
        """Its friends."""
        if self._running:
            return [_person(one) for one in self._told("peers")]
        return self._ask(lambda lookup: lookup.peers())

    def groups(self) -> list[Group]:
        """Its groups."""
        if self._running:
            return [Group(**one) for one in self._told("groups")]
        return self._ask(lambda lookup: lookup.groups())

    def members(self, group: str) -> Members:
        """The members of a group, as far as the platform tells."""
        if self._running:
            told = self._told("members", group)
            return Members(tuple(map(_person, told["people"])), told["total"])
        return self._ask(lambda lookup: lookup.members(group))

    def look_up(self, names: Sequence[Name]) -> list[LookedUp]:
        """What names of the account's config stand for now. Without a gateway the store learns it, too."""
        if self._running:
            return look_up(names, self.peers(), self.groups(), _now_ms())
        return self._ask(partial(_look_up_and_pin, names=names))

    def _told(self, what: str, group: str = "") -> Any:
        return self._client.directory(what, self._meant.manifest.id, self._meant.account.id, group)

    def _ask(self, question: Callable[[Lookup], Awaitable[T]]) -> T:
        return asyncio.run(self._answered(question))

    async def _answered(self, question: Callable[[Lookup], Awaitable[T]]) -> T:
        async with lookup_alone(self._setup, self._meant) as lookup:
            return await question(lookup)


@asynccontextmanager
async def lookup_alone(setup: Setup, meant: Meant) -> AsyncIterator[Lookup]:
    """The questions over the stored session. The answers are kept, unless a gateway has just started."""
    account, places = meant.account, setup.places
    vault = FileVault(places.vault_dir, account.channel, account.profile)
    channel = setup.runtime(meant.manifest)
    if vault.identity() is None:
        reason = f"{account} is not logged in"
        raise DirectoryError(reason, f"openclaw channels login {meant.words}", needs_login=True)
    async with AsyncExitStack() as stack:
        journal = None
        with suppress(StoreOwned):
            store = await stack.enter_async_context(
                open_store(places.store, places.lock_file, _now_ms, checked=False)
            )
            journal = await stack.enter_async_context(store.own(str(account)))
        yield Lookup(account, channel, vault, journal)


async def _look_up_and_pin(lookup: Lookup, names: Sequence[Name]) -> list[LookedUp]:
    found = await ask(lookup, names, _now_ms())
    if lookup.journal is not None:
        await lookup.journal.pin(found)
    return found


def group_id(written: str, meant: Meant) -> str:
    """The id in `9001` or `group:9001`. Raises `CliError`."""
    bare = written.strip()
    bare = bare[len(_GROUP) :].strip() if bare.lower().startswith(_GROUP) else bare
    if not well_formed(bare):
        raise CliError(f"'{written}' is no group id", f"openclaw directory groups list {meant.words}")
    return bare


def _person(told: dict[str, Any]) -> Person:
    return Person(**{**told, "aliases": tuple(told["aliases"])})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
