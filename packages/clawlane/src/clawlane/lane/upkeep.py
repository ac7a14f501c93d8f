"""What is done in time for one account: drafts and sessions expire, old rows and files are pruned.

So is what an operator asked to be forgotten, where an end came between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from clawlane.agents.memory import is_over
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.forgetter import Forgetter
from clawlane.lane.inbound_media import InboundMedia
from clawlane.store import drafts, forgetting, retention, sessions, warm_ups
from clawlane.store.account_store import AccountStore
from clawlane.store.errors import StoreFailed
from clawlane.store.models import RecallResult
from clawlane.store.transaction import Tx

_PRUNE_EVERY, _BETWEEN_BATCHES = retention.EVERY_MS / 1000, 0.05
"""Seconds."""

_PRUNE_WAITS = 60.0
"""Seconds in which an account that is not connected yet is not pruned: others may wait to connect, too."""

_PRUNE_AFTER = 5.0
"""Seconds at least after which a connected account is pruned, for the same reason: many may start at once."""

_EXPIRE_EVERY, _EXPIRE_AT_MOST_EVERY = 120.0, 0.5
"""Seconds."""

log = logging.getLogger(__name__)


class Upkeep:
    """Keeps the store of an account in order while it runs."""

    def __init__(
        self,
        deps: AccountDeps,
        account_store: AccountStore,
        media: InboundMedia | None,
        recalled: Callable[[RecallResult], None],
    ) -> None:
        """`recalled` is told what was taken back by what is forgotten."""
        self._deps = deps
        self._store = account_store
        self._media = media
        self._recalled = recalled
        self._connected = asyncio.Event()
        """It has been connected in this run."""

    def connected(self) -> None:
        """The account is connected: soon is the time to prune."""
        self._connected.set()

    async def prune(self, *, at_once: bool) -> None:
        """Prune the store in small batches, some time after the account is connected. Lives until cancelled.

        With `at_once` it does not wait that time.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_PRUNE_WAITS):
                await self._connected.wait()
        if not at_once:
            await self._deps.sleep(_PRUNE_AFTER * (1 + self._deps.jitter()))
        while True:
            try:
                await self._store.run(warm_ups.seen)
                for transition in (self._forget_old, self._expire_sessions):
                    while await self._store.run(transition):
                        await self._deps.sleep(_BETWEEN_BATCHES)
                await self._forget_asked()
                if self._media is not None:
                    await self._media.prune(self._store, self._deps.now_ms())
            except (StoreFailed, OSError) as error:
                log.warning("%s; nothing is pruned until later", error)
            await self._deps.sleep(_PRUNE_EVERY)

    async def expire_drafts(self, *, at_once: bool) -> None:
        """Expire drafts in time. Lives until cancelled. Unless `at_once`, none waits yet."""
        if not at_once:
            await self._deps.sleep(_EXPIRE_EVERY)
        while True:
            next_ms = await self._store.run(drafts.expire)
            wait = _EXPIRE_EVERY if next_ms is None else (next_ms - self._deps.now_ms()) / 1000
            await self._deps.sleep(min(max(wait, _EXPIRE_AT_MOST_EVERY), _EXPIRE_EVERY))

    async def _forget_asked(self) -> None:
        deps = self._deps
        if deps.media is None or deps.outgoing is None:
            return
        forgetter = Forgetter(self._store, deps.media, deps.outgoing, self._recalled)
        for asked in await self._store.run(forgetting.open_requests):
            log.info("%s: what %s %s said is being forgotten", deps.account, asked.whom, asked.id)
            async for _ in forgetter.run(asked.whom, asked.id):
                await deps.sleep(_BETWEEN_BATCHES)
            recorded = self._store.by("gateway", "forget.finish")
            await recorded.run(forgetting.finish, asked.whom, asked.id)

    def _forget_old(self, tx: Tx) -> bool:
        return retention.prune(tx, self._deps.settings.now.keep)

    def _expire_sessions(self, tx: Tx) -> bool:
        answering = self._deps.settings.now.answering
        return sessions.expire(tx, partial(is_over, answering.session.reset, answering.zone))
