"""Asking the platform for the past: what an account missed, and whether unconfirmed sends have arrived."""

from __future__ import annotations

import logging

from clawlane.capabilities import CanReconcile
from clawlane.channel import Cursor
from clawlane.credentials.vault import ProfileVault
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.admission import CaughtUp
from clawlane.lane.evidence import FetchedHistory
from clawlane.lane.sender import Sender
from clawlane.messages import ThreadKind
from clawlane.store import catch_up
from clawlane.store.account_store import AccountStore
from clawlane.store.unknown_sends import LookUp

_LOOK_UP_EVERY, _LOOK_UP_AT_MOST_EVERY = 5.0, 0.2
"""Seconds. A reconnect looks up at once; this is for chunks that become unknown in between."""

log = logging.getLogger(__name__)


class CatchingUp:
    """What an account asked of the platform's past, and what came of it."""

    def __init__(
        self,
        deps: AccountDeps,
        account_store: AccountStore,
        access: AccessChecker,
        sender: Sender,
        vault: ProfileVault,
    ) -> None:
        self._deps = deps
        self._store = account_store
        self._access = access
        self._sender = sender
        self._vault = vault
        self._asked_ms: dict[ThreadKind, int] = {}
        self._connected_all_along: set[ThreadKind] = set()
        """What is being fetched although nothing can have been missed: to look up unconfirmed sends."""
        self._looks_up: set[ThreadKind] = set()
        """What is to be fetched for that next, unless a fetch goes on already."""

    def disconnected(self) -> None:
        """The account is not connected: from here on it may miss something."""
        self._connected_all_along.clear()
        self._looks_up.clear()

    async def cursor(self, kind: ThreadKind) -> Cursor:
        """How far the account had read this kind of thread, as a fetch of it begins."""
        if kind in self._looks_up:
            self._looks_up.discard(kind)
            self._connected_all_along.add(kind)
        else:
            self._connected_all_along.discard(kind)
        self._asked_ms[kind] = self._deps.now_ms()
        self._deps.alarms.asked(kind)
        backlog_ms = max(policy.backlog_max_age_ms for policy in self._access.rules())
        skew_ms = self._access.grants().skew_ms or 0
        return await self._store.run(catch_up.cursor, kind, backlog_ms, skew_ms)

    async def finish(self, place: CaughtUp) -> None:
        """Everything up to this place in the queue is on the disk."""
        missed = place.kind not in self._connected_all_along
        self._connected_all_along.discard(place.kind)
        asked_ms = self._asked_ms.get(place.kind, 0)
        asked = LookUp(place.kind, place.back_to_ms, asked_ms, place.own_ids, self._vault.generation)
        gap_ms = self._deps.settings.now.look_up_gap_ms
        finished = await self._store.run(catch_up.finish, asked, gap_ms, missed=missed)
        if (gap := finished.gap) is not None:
            log.warning(
                "%s: %s messages of %.0f s may be missing: the platform does not give them out any more",
                self._deps.account,
                gap.kind,
                (gap.to_ms - gap.from_ms) / 1000,
            )
        fetched = FetchedHistory(asked_ms, self._deps.now_ms(), place.own_ids)
        self._deps.evidence.note_fetched(place.kind, fetched)
        self._deps.alarms.caught_up(place.kind)
        if again := finished.again:
            log.warning("%s: %d messages did not arrive and are sent again", self._deps.account, again)
        if finished.unknown:  # their threads may be free now
            self._sender.wake()

    async def look_up_unknown(self, *, at_once: bool) -> None:
        """Look up unknown sends, in the kinds of thread that have some. Lives until cancelled.

        Unless `at_once`, there are none before one is lost.
        """
        if not at_once:
            await self._sender.lost.wait()
        while True:
            self._sender.lost.clear()
            if not await self._store.run(catch_up.has_unknown):
                await self._sender.lost.wait()
            gap_ms = self._deps.settings.now.look_up_gap_ms
            await self._deps.sleep(min(_LOOK_UP_EVERY, max(gap_ms / 1000, _LOOK_UP_AT_MOST_EVERY)))
            for kind in await self._store.run(catch_up.to_look_up, gap_ms):
                if await self.look_up(kind):
                    log.debug("%s: looking up unknown sends in %s threads", self._deps.account, kind)

    async def look_up(self, kind: ThreadKind) -> bool:
        """Ask the platform for past messages of this kind of thread. False if the channel cannot."""
        channel = self._deps.channel
        if not isinstance(channel, CanReconcile):
            return False
        self._looks_up.add(kind)
        await channel.look_up(self._deps.account, kind)
        return True
