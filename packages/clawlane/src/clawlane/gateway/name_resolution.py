"""Pinning: looks up each name in an account's config once; it stands for the id found from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from clawlane.access.names import ConfigName, Pin, Pins, PinState
from clawlane.backoff import Backoff
from clawlane.capabilities import Directory, DirectoryError
from clawlane.channel import Account, Phase, State
from clawlane.lookup import DEADLINE, Lookup
from clawlane.ops.directory import resolve
from clawlane.store import directory
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.directory import LookedUp
from clawlane.store.errors import StoreFailed

_FIRST_WAIT = 2.0
_LONGEST_WAIT = 300.0
_UP = (Phase.READY, Phase.DEGRADED)
log = logging.getLogger(__name__)


class NameResolver:
    """Looks up the names in the config of one account.

    `note` takes every state of the account. `run` is part of each run of the account, which it may end by
    failing, and continues where the last run stopped. `lookup` gives the questions with a fresh handle on the
    session.
    """

    def __init__(
        self, account: Account, names: Sequence[ConfigName], lookup: Callable[[], Lookup], now_ms: Clock
    ) -> None:
        self.pins = Pins()
        """What the names stand for: the part of `Grants` that pinning knows."""
        self._account = account
        self._names = tuple(names)
        self._lookup = lookup
        self._now_ms = now_ms
        self._found: dict[ConfigName, LookedUp] = {}
        self._up = asyncio.Event()
        self._ready = asyncio.Event()
        self._identified = False
        self._over = False
        self._news = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether messages can be decided: the own id and the names are known, or took too long."""
        return self._ready.is_set()

    @property
    def found(self) -> tuple[LookedUp, ...]:
        """The completed look-ups, in the order of the config."""
        return tuple(self._found[name] for name in self._names if name in self._found)

    @property
    def waiting(self) -> tuple[ConfigName, ...]:
        """The names that have not been looked up yet."""
        return tuple(name for name in self._names if name not in self._found)

    async def load(self, found: Iterable[LookedUp], account_store: AccountStore) -> None:
        """Take over the results of earlier look-ups, and forget names that have left the config.

        The account is owned, and may not run yet.
        """
        stored = {one.pin.name: one for one in found}
        if gone := [name for name in stored if name not in self._names]:
            await account_store.run(directory.forget_pins, gone)
        self._learn([stored[name] for name in self._names if name in stored])

    def follow(self, names: Sequence[ConfigName], account_store: AccountStore | None) -> None:
        """Take the names of another config: new ones are looked up, those that are gone are forgotten."""
        self._names = tuple(names)
        gone = [name for name in self._found if name not in self._names]
        for name in gone:
            del self._found[name]
        self.pins = Pins.of(one.pin for one in self.found)
        if gone and account_store is not None:
            account_store.post(directory.forget_pins, gone)
        if self.waiting:
            self._news.set()

    def note(self, state: State) -> None:
        """Take the account's latest state."""
        self._identified = bool(state.user_id)
        if state.phase in _UP:
            self._up.set()
        else:
            self._up.clear()
        self._consider()

    async def opened(self) -> None:
        """Returns once messages can be decided, at the latest 20 s after the first connection of `run`."""
        await self._ready.wait()

    async def run(self) -> None:
        """Once the account is connected, look up the remaining names, and those that come later.

        Lives until cancelled.
        """
        await self._up.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._open_in_time())
            while True:
                self._news.clear()
                await self._look_up_all()
                await self._news.wait()

    async def _open_in_time(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                await self._ready.wait()
        except TimeoutError:
            log.warning("%s: continues without all names: their look-up takes too long", self._account)
            self._ready.set()

    async def _look_up_all(self) -> None:
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while self.waiting and isinstance((lookup := self._lookup()).channel, Directory):
            await self._up.wait()
            try:
                looked_up = await self._asked(lookup)
                if lookup.account_store is not None:
                    await lookup.account_store.run(directory.keep_pins, looked_up)
            except (DirectoryError, StoreFailed) as error:
                wait = backoff.next()
                log.warning("%s: names not looked up: %s; again in %.0f s", self._account, error, wait)
                await asyncio.sleep(wait)
            else:
                self._learn(looked_up)
                for one in looked_up:
                    _log_pin(self._account, one.pin)
        self._over = True
        self._consider()

    async def _asked(self, lookup: Lookup) -> list[LookedUp]:
        """The names that wait, looked up; without those that have left the config meanwhile."""
        looked_up = await resolve(lookup, self.waiting, self._now_ms())
        return [one for one in looked_up if one.pin.name in self._names]

    def _learn(self, looked_up: Sequence[LookedUp]) -> None:
        self._found.update((one.pin.name, one) for one in looked_up)
        self.pins = Pins.of(one.pin for one in self.found)
        self._consider()

    def _consider(self) -> None:
        if self._identified and (self._over or not self.waiting):
            self._ready.set()


def _log_pin(account: Account, pin: Pin) -> None:
    where, entry = pin.name.place, pin.name.entry
    if pin.state is PinState.PINNED:
        log.info("%s: %s %r is pinned to %s", account, where, entry, pin.id)
    elif pin.state is PinState.AMBIGUOUS:
        ids = ", ".join(pin.ids)
        log.warning("%s: %s %r is ambiguous and matches none; write one of %s", account, where, entry, ids)
    else:
        log.warning("%s: %s %r was not found and matches nobody; write the id", account, where, entry)
