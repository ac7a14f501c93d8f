"""A copy of each account's address book every day, so that a banned account is not a lost address book.

A copy is made from what the store knows. Only where that is older than a day, and the account has been well
for an hour, the platform is asked for friends and groups first: two questions a day, and none for members.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from clawlane.backoff import Sleep
from clawlane.capabilities import DirectoryError
from clawlane.channel import Phase, State
from clawlane.config.paths import Paths
from clawlane.lookup import Lookup
from clawlane.ops import address_book
from clawlane.store.database import Store
from clawlane.store.errors import StoreError
from clawlane.store.told import Pause
from clawlane.zone import shown

LOOK_EVERY = 900.0
"""Seconds between two looks whether a copy is due."""

_DAY_MS = 86_400_000
_WELL_MS = 3_600_000
"""How long an account has to be connected before it is asked anything for a copy."""

log = logging.getLogger(__name__)


class KnownAccount(Protocol):
    """What an account of the gateway tells about itself."""

    @property
    def state(self) -> State: ...
    @property
    def since_ms(self) -> int: ...
    @property
    def pauses(self) -> list[Pause]: ...
    def lookup(self) -> Lookup: ...


async def keep_copies(
    accounts: Mapping[str, KnownAccount],
    store: Store,
    paths: Paths,
    now_ms: Callable[[], int],
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Make the copies that are due. Lives until cancelled."""
    while True:
        for name, account in list(accounts.items()):
            try:
                await copy_if_due(name, account, store, paths, now_ms())
            except (OSError, StoreError) as error:
                told = error.strerror if isinstance(error, OSError) else error
                log.warning("%s: the address book could not be copied (%s); it is tried again", name, told)
        await sleep(LOOK_EVERY)


async def copy_if_due(name: str, account: KnownAccount, store: Store, paths: Paths, now_ms: int) -> bool:
    """Make the copy of the day, unless there is one, or nothing is known. True if it was made."""
    if await asyncio.to_thread(_has_copy, paths, name, now_ms):
        return False
    await _refresh(name, account, store, now_ms)

    def copy() -> bool:
        with store.read() as reader:
            book = address_book.of_store(reader, name, now_ms)
        if book.is_empty:
            return False
        address_book.save(paths, book)
        log.info("%s: the address book of today is copied", name)
        return True

    return await asyncio.to_thread(copy)


def _has_copy(paths: Paths, name: str, now_ms: int) -> bool:
    return shown().day(now_ms) in address_book.days(paths, name)


async def _refresh(name: str, account: KnownAccount, store: Store, now_ms: int) -> None:
    """Ask the platform for lists that are older than a day, where nothing speaks against it."""
    is_well = account.state.phase is Phase.READY and now_ms - account.since_ms >= _WELL_MS
    if not is_well or any(one.thread is None for one in account.pauses):
        return
    known = await store.ask(lambda reader: reader.known(name))
    asked = account.lookup()
    for at_ms, question in ((known.peers_ms, asked.peers), (known.groups_ms, asked.groups)):
        if at_ms is None or now_ms - at_ms >= _DAY_MS:
            try:
                await question()
            except DirectoryError as error:
                log.info("%s: the address book is copied as it was known: %s", name, error)
                return
