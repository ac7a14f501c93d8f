"""The first start of another version: what changed for an account is told, and may wait for the operator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from clawlane.config.load import Config
from clawlane.ops.upgrade_changes import Changes, changes, in_force
from clawlane.store import in_force as store_in_force
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.errors import StoreFailed
from clawlane.store.in_force import InForce

_WAIT = 5.0
"""Seconds between two attempts to write."""

log = logging.getLogger(__name__)


class Upgrades:
    """Keeps what each account works by, and compares it at a start. Disabled accounts are left alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of: tuple[Config, Mapping[str, InForce]] | None = None
        self._reading = asyncio.Lock()

    async def weigh(self, config: Config, account: str) -> None:
        """Compare what an account works by now with what it last worked by, before anything of it runs.

        If its reach or its resending changed, it is paused until the operator accepts that.
        """
        now = (await self._in_force(config)).get(account)
        if now is None:
            return
        was, known = await self._store.ask(lambda reader: (reader.in_force(account), reader.reach(account)))
        found = await asyncio.to_thread(changes, account, was, now, known) if was else None
        if was is not None and found is not None and found.sentences:
            for sentence in found.sentences:
                log.warning("%s: since version %s: %s", account, was.version, sentence)
            if found.holds:
                log.warning("%s is paused until you accept that: openclaw upgrade accept", account)
            await self._hold(account, now, was.version, found)
        elif now != was:
            try:
                async with self._store.own(account, patient=True) as account_store:
                    await account_store.attempt(store_in_force.record, now)
            except StoreFailed as error:
                _not_recorded(account, error)

    async def follow(self, config: Config, account_store: AccountStore) -> None:
        """Record what an account works by, if an edit of the config changed that."""
        account = account_store.account
        now = (await self._in_force(config)).get(account)
        was = await self._store.ask(lambda reader: reader.in_force(account))
        if now is not None and now != was:
            try:
                await account_store.attempt(store_in_force.record, now)
            except StoreFailed as error:
                _not_recorded(account, error)

    async def _in_force(self, config: Config) -> Mapping[str, InForce]:
        async with self._reading:  # all accounts start at once, and one reading is for all of them
            if self._of is None or self._of[0] is not config:
                self._of = config, await asyncio.to_thread(in_force, config)
            return self._of[1]

    async def _hold(self, account: str, now: InForce, was_version: str, found: Changes) -> None:
        """Once the disk takes it: an account that has to wait must not start without its pause."""
        while True:
            try:
                async with self._store.own(account, patient=True) as account_store:
                    await account_store.attempt(
                        store_in_force.upgraded, now, was_version, found.sentences, holds=found.holds
                    )
            except StoreFailed as error:
                log.error("%s cannot start yet; trying again in %.0f s: %s", account, _WAIT, error)
                await asyncio.sleep(_WAIT)
            else:
                return


def _not_recorded(account: str, error: StoreFailed) -> None:
    """A full disk does not keep an account from starting: the record is made with the next change."""
    log.error("%s: what it works by is not recorded: %s", account, error)
