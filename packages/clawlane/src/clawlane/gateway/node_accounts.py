"""The accounts of a gateway that shares its database: it runs those that the cluster gives it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from clawlane.capabilities import AsksBeforeWriting
from clawlane.channel import Channel, Phase, State, StateCode, VaultError
from clawlane.credentials.session_seal import Identity
from clawlane.gateway.accounts import Accounts
from clawlane.store.alarm_told import Change
from clawlane.store.errors import NotOwned, StoreError

log = logging.getLogger(__name__)


class NodeAccounts(Accounts):
    """Runs only what `take` is called for. Fulfils `clawlane.gateway.cluster.Runs`."""

    _mine: set[str]
    _losing: asyncio.Lock

    def join(self, before_write: Callable[[], str]) -> None:
        """Call it before `run`. Channels ask `before_write` right before they write anything."""
        self._mine, self._before_write = set(), before_write
        self._losing = asyncio.Lock()
        self._guard(self.channels)

    def here(self) -> list[str]:
        return list(self._mine)

    async def take(self, name: str) -> None:
        """Run an account here, if it can be claimed, once this gateway is ready for any."""
        await self.begun.wait()
        async with self._settling.setdefault(name, asyncio.Lock()):
            if self._stops or name not in self._wanted or name in self._mine:
                return
            self._mine.add(name)
            try:
                await self._start(name, [])
            except NotOwned as error:
                log.info("%s", error)
                await self._let_go(name)
            except Exception:
                log.exception("%s could not be started", name)
                await self._let_go(name)

    async def give_up(self, name: str, reason: str) -> None:
        """Stop an account, after its chunks in flight, and let others claim it."""
        async with self._settling.setdefault(name, asyncio.Lock()):
            log.info("%s stops here: %s", name, reason)
            if name in self.supervisors:
                await self.supervisors[name].stop(StateCode.OWNED_ELSEWHERE, reason)
            await self._let_go(name)

    async def lose(self, reason: str) -> None:
        """Stop everything at once: calls are aborted, sockets closed, no chunk in flight is waited for."""
        names = self.here()
        for name in names:
            for task in self._tasks.get(name, []):
                task.cancel()
            self._say_lost(name, reason)  # at once: what has to be stored may wait for the database
        async with self._losing:  # the beat and the clock may both find that it is over
            for name in filter(self._runs_here, names):
                await self._let_go(name)
                self._say_lost(name, reason)

    def _say_lost(self, name: str, reason: str) -> None:
        if there := self.supervisors.get(name):
            there.elsewhere(reason, (there.state.user_id, there.state.user_name))

    async def elsewhere(self, reasons: Mapping[str, str]) -> None:
        """Say of accounts why they do not run here."""
        found = await asyncio.to_thread(self._identities, tuple(reasons))
        for name, reason in reasons.items():
            if name in self.supervisors and not self._runs_here(name):
                self.supervisors[name].elsewhere(reason, found.get(name))

    def _identities(self, names: Sequence[str]) -> dict[str, Identity]:
        """Who is logged in, as far as that can be read: others have to know whose each account is."""
        found = {}
        for name in names:
            with suppress(VaultError, StoreError):
                if (there := self.supervisors.get(name)) and (identity := there.vault().identity()):
                    found[name] = identity
        return found

    def _reported(self, name: str, state: State) -> None:
        """The same; one that another gateway runs, although this one thought so, may be claimed anew."""
        super()._reported(name, state)
        if state.phase is Phase.FAILED and state.code is StateCode.OWNED_ELSEWHERE and self._runs_here(name):
            self._group.create_task(self._not_owned(self.supervisors[name]))

    def found(self, name: str, change: Change) -> None:
        """Raise or end an alarm on an account that runs here."""
        if name in self.supervisors:
            self.supervisors[name].alarms.found(change)

    def _runs_here(self, name: str) -> bool:
        return name in self._mine

    def _guard(self, channels: Mapping[str, Channel]) -> None:
        for channel in channels.values():
            if isinstance(channel, AsksBeforeWriting):
                channel.ask_before_writing(self._before_write)

    async def _let_go(self, name: str) -> None:
        await self._end_tasks(name)
        self._mine.discard(name)
        if name in self._wanted:
            self._make(name)

    async def _stop(self, name: str) -> None:
        """Stop an account. Others may claim it at once."""
        await super()._stop(name)
        await self._end_tasks(name)

    async def _change(self, name: str) -> None:
        await super()._change(name)
        if name not in self._wanted:
            self._mine.discard(name)
