"""The first start of another version: what changed for an account is told, and may wait for the operator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from clawlane.access.exposure import Known
from clawlane.access.policy_record import say_the_same
from clawlane.config.load import Config
from clawlane.ops.upgrade_changes import Changes, changes, in_force
from clawlane.store import in_force as store_in_force
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import StoreFailed
from clawlane.store.in_force import InForce

log = logging.getLogger(__name__)


class Upgrades:
    """Keeps what each account works by, and compares it at a start. Disabled accounts are left alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of: tuple[Config, Mapping[str, InForce]] | None = None
        self._reading = asyncio.Lock()

    async def look_ahead(self, config: Config) -> None:
        """Work out what all accounts work by, before one waits for it: hundreds take a while."""
        try:
            await self._in_force(config)
        except Exception:  # whoever needs it tries again, and says so
            log.debug("what accounts work by is not known yet", exc_info=True)

    async def weigh(self, config: Config, account_store: AccountStore, was: InForce | None) -> bool:
        """Compare what an account works by now with what it last worked by (`was`), before it runs.

        If its reach or its resending changed, it is paused until the operator accepts that. True where more
        than a record was stored.
        """
        account = account_store.account
        now = (await self._in_force(config)).get(account)
        if now is None or (was and _say_the_same(now, was)):
            return False
        found = await self._changes(account, was, now) if was else None
        if was is None or found is None or not found.sentences:
            await _record(account_store, now)
            return False
        for sentence in found.sentences:
            log.warning("%s: since version %s: %s", account, was.version, sentence)
        if found.holds:
            log.warning("%s is paused until you accept that: openclaw upgrade accept", account)
        told = (now, was.version, found.sentences)
        await account_store.run(store_in_force.upgraded, *told, holds=found.holds)
        return True

    async def follow(self, config: Config, account_store: AccountStore) -> None:
        """Record what an account works by, if an edit of the config changed that."""
        account = account_store.account
        now = (await self._in_force(config)).get(account)
        was = await self._store.ask(lambda reader: reader.in_force(account))
        if now is not None and not (was and _say_the_same(now, was)):
            await _record(account_store, now)

    async def _changes(self, account: str, was: InForce, now: InForce) -> Changes | None:
        def known() -> Known:
            with self._store.read() as reader:
                return reader.reach(account)

        return await asyncio.to_thread(changes, account, was, now, known)

    async def _in_force(self, config: Config) -> Mapping[str, InForce]:
        async with self._reading:  # all accounts start at once, and one reading is for all of them
            if self._of is None or self._of[0] is not config:
                self._of = config, await asyncio.to_thread(in_force, config)
            return self._of[1]


def _say_the_same(one: InForce, other: InForce) -> bool:
    """Whether an account works by the same, wherever that stands: each machine has a file of its own."""
    return replace(one, policy=other.policy) == other and say_the_same(one.policy, other.policy)


async def _record(account_store: AccountStore, now: InForce) -> None:
    """A full disk does not keep an account from starting: the record is made with the next change."""
    try:
        await account_store.attempt(store_in_force.record, now)
    except StoreFailed as error:
        log.error("%s: what it works by is not recorded: %s", account_store.account, error)
