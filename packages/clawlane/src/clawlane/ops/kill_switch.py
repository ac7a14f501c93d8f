"""The kill switch: pauses that begin at once, hold over restarts, and end by a command or by their time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from clawlane.config.load import Config
from clawlane.messages import Thread
from clawlane.ops.messages import AccountStores
from clawlane.store import pauses as store_pauses
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.database import Store
from clawlane.store.errors import StoreFailed
from clawlane.store.pauses import Pause, PauseLevel, Resumed

_LONGEST_SLEEP = 30.0
"""Seconds. The clock may be set meanwhile."""

log = logging.getLogger(__name__)


class Held(Protocol):
    """An account of a running gateway, as far as a pause is concerned."""

    def hold(self, pauses: Sequence[Pause]) -> None:
        """Let these pauses hold and no others, from now on."""
        ...

    async def connect(self) -> None:
        """Close or open the connection where the pauses changed that."""
        ...

    async def go_on(self, resumed: Resumed) -> None:
        """A pause has ended: what expired and what goes on again is told."""
        ...


class Pauses:
    """The pauses of all accounts, on the disk and in force.

    `held` are the accounts that this process runs, by name (`channel/id`); a command without a gateway has
    none.
    """

    def __init__(
        self,
        store: Store,
        account_stores: AccountStores,
        config: Config,
        held: Mapping[str, Held],
        now_ms: Clock,
    ) -> None:
        self._account_stores = account_stores
        self._accounts = {str(one): one for block in config.channels.values() for one in block.accounts}
        self._held = held
        self._now_ms = now_ms
        self._news = asyncio.Event()
        with store.read() as reader:
            self._pauses = [pause for pause in reader.pauses() if pause.account in self._accounts]

    async def begin(self) -> None:
        """Put in force what was paused when the last gateway stopped; what ended meanwhile is resumed."""
        for account in self._accounts:
            self._enforce(account)
        await self._end_overdue()

    async def run(self) -> None:
        """End pauses when their time has come. Lives until cancelled."""
        while True:
            self._news.clear()
            ends = [pause.until_ms for pause in self._pauses if pause.until_ms is not None]
            wait = min([_LONGEST_SLEEP, *((end - self._now_ms()) / 1000 for end in ends)])
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait)):
                    await self._news.wait()
            await self._end_overdue()

    async def pause(
        self, accounts: Sequence[str], thread: Thread | None, level: PauseLevel, until_ms: int | None
    ) -> list[Pause]:
        """Pause accounts, or one thread of one account; it holds at once, and is on the disk on return.

        Raises `StoreFailed` where it holds, but could not be written down.
        """
        new = [Pause(name, thread, level, self._now_ms(), until_ms) for name in accounts]
        for pause in new:
            self._pauses = [*self._others(pause.account, thread), pause]
            self._enforce(pause.account)
        self._news.set()
        for pause in new:
            await self._keep(pause)
            await self._connect(pause.account)
            log.info("%s is paused (%s)", pause, level)
        return new

    async def resume(
        self, accounts: Sequence[str], thread: Thread | None, *, flush: bool = False
    ) -> list[Resumed]:
        """End the pause of accounts, or of one thread; with `flush` nothing expires.

        Then what expired at the last resume goes on as well.
        """
        return [await self._resume(name, thread, flush=flush) for name in accounts]

    async def _keep(self, pause: Pause) -> None:
        try:
            async with self._account_stores.of(pause.account) as account_store:
                await account_store.attempt(store_pauses.pause, pause)
        except StoreFailed as error:
            raise StoreFailed(f"{pause} is paused, but a restart would forget it: {error}") from error

    async def _resume(
        self, name: str, thread: Thread | None, *, flush: bool, patient: bool = False
    ) -> Resumed:
        backlog = self._accounts[name].settings.backlog_max_age
        oldest_ms = self._now_ms() - int(backlog.total_seconds() * 1000)
        async with self._account_stores.of(name) as account_store:
            resumed = await end_pause(account_store, thread, oldest_ms, flush=flush, patient=patient)
        self._pauses = self._others(name, thread)
        if resumed.was is not None:
            log.info("%s is resumed; %d expired meanwhile", resumed.was, len(resumed.expired))
        if held := self._held.get(name):
            await held.go_on(resumed)
        self._enforce(name)
        await self._connect(name)
        return resumed

    async def _end_overdue(self) -> None:
        for pause in list(self._pauses):
            if pause.until_ms is not None and pause.until_ms <= self._now_ms():
                await self._resume(pause.account, pause.thread, flush=False, patient=True)

    def of(self, name: str) -> list[Pause]:
        """What is paused of an account."""
        return [pause for pause in self._pauses if pause.account == name]

    def _enforce(self, name: str) -> None:
        if held := self._held.get(name):
            held.hold(self.of(name))

    async def _connect(self, name: str) -> None:
        if held := self._held.get(name):
            await held.connect()

    def _others(self, name: str, thread: Thread | None) -> list[Pause]:
        return [pause for pause in self._pauses if (pause.account, pause.thread) != (name, thread)]


async def end_pause(
    account_store: AccountStore, thread: Thread | None, oldest_ms: int, *, flush: bool, patient: bool = False
) -> Resumed:
    """End a pause; what is about messages from before `oldest_ms` expires, or with `flush` goes on.

    A batch at a time, so that others may write in between; the pause holds until the last one. Raises
    `StoreFailed` while the disk is in the way, unless it is `patient`.
    """
    write = account_store.run if patient else account_store.attempt
    steps = [await write(store_pauses.resume, thread, oldest_ms, flush=flush)]
    while not steps[-1].done:
        steps.append(await write(store_pauses.resume, thread, oldest_ms, flush=flush))
    return store_pauses.joined(steps)
