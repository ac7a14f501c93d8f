"""Pinning: each name in an account's config is looked up once, and stands for that id from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from clawlane.access.names import ConfigName, NameList, Pins, PinState
from clawlane.capabilities import Directory, DirectoryError
from clawlane.channel import Account, Phase, State
from clawlane.ops.directory import DEADLINE, Lookup, look_up
from clawlane.store import directory
from clawlane.store.account_store import Clock
from clawlane.store.database import Store
from clawlane.store.directory import LookedUp
from clawlane.store.errors import StoreFailed

_FIRST_WAIT = 2.0
_LONGEST_WAIT = 300.0
_UP = (Phase.READY, Phase.DEGRADED)
log = logging.getLogger(__name__)


class NameResolver:
    """The names of one account, `names` of its policy.

    `note` is told every state of the account; `run` is part of each run of the account, which it may end by
    failing, and goes on where the last one stopped. `lookup` gives the questions with a fresh handle on the
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
        self._own_id = ""
        self._over = False

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
        """The names whose look-up is still to come."""
        return tuple(name for name in self._names if name not in self._found)

    async def load(self, store: Store) -> None:
        """Take over what earlier look-ups found, and forget the names that have left the config.

        Nobody may own the account yet.
        """
        with store.read() as reader:
            stored = {one.pin.name: one for one in reader.looked_up(str(self._account))}
        if gone := [name for name in stored if name not in self._names]:
            async with store.own(str(self._account)) as account_store:
                await account_store.run(directory.forget_pins, gone)
        self._learn([stored[name] for name in self._names if name in stored])

    def note(self, state: State) -> None:
        """How the account is now."""
        self._own_id = state.user_id or self._own_id
        if state.phase in _UP:
            self._up.set()
        else:
            self._up.clear()
        self._consider()

    async def opened(self) -> None:
        """Returns once messages can be decided: `run` sees to it within 20 s of the first connection."""
        await self._ready.wait()

    async def run(self) -> None:
        """Look up what waits once the account is connected, again and again until it was answered."""
        await self._up.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._open_in_time())
            group.create_task(self._look_up_all())

    async def _open_in_time(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                await self._ready.wait()
        if not self.ready:
            log.warning("%s: goes on without all names: their look-up takes too long", self._account)
            self._ready.set()

    async def _look_up_all(self) -> None:
        wait = _FIRST_WAIT
        while self.waiting and isinstance((lookup := self._lookup()).channel, Directory):
            await self._up.wait()
            try:
                await self._look_up(lookup)
            except (DirectoryError, StoreFailed) as error:
                log.warning("%s: names not looked up: %s; again in %.0f s", self._account, error, wait)
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        self._over = True
        self._consider()

    async def _look_up(self, lookup: Lookup) -> None:
        looked_up = await ask(lookup, self.waiting, self._now_ms())
        if (account_store := lookup.account_store) is not None:
            await account_store.run(directory.keep_pins, looked_up)
        self._learn(looked_up)
        for one in looked_up:
            _tell(self._account, one)

    def _learn(self, looked_up: Sequence[LookedUp]) -> None:
        self._found.update((one.pin.name, one) for one in looked_up)
        self.pins = Pins.of(one.pin for one in self.found)
        self._consider()

    def _consider(self) -> None:
        if self._own_id and (self._over or not self.waiting):
            self._ready.set()


async def ask(lookup: Lookup, names: Sequence[ConfigName], now_ms: int) -> list[LookedUp]:
    """One look-up of names, complete or not at all.

    Raises `DirectoryError`, also for lists that cannot be right.
    """
    lists = {name.where for name in names}
    people = await lookup.peers(complete=True) if lists - {NameList.GROUPS} else []
    groups = await lookup.groups(complete=True) if NameList.GROUPS in lists else []
    return look_up(names, people, groups, now_ms)


def _tell(account: Account, one: LookedUp) -> None:
    where, entry = one.pin.name.where, one.pin.name.entry
    if one.pin.state is PinState.PINNED:
        log.info("%s: %s %r is pinned to %s", account, where, entry, one.pin.id)
    elif one.pin.state is PinState.AMBIGUOUS:
        ids = ", ".join(one.pin.ids)
        log.warning(
            "%s: %s %r is the name of several and matches none; write one of %s", account, where, entry, ids
        )
    else:
        log.warning("%s: %s %r is nobody's name and matches nobody; write the id", account, where, entry)
