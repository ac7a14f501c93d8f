"""Who is a friend of an account, as far as it is known: asked at the start and when Zalo says it changed."""

from __future__ import annotations

import asyncio
import logging

from clawlane.channel import Host
from clawlane_zalouser.directory import peers
from clawlane_zalouser.environment import Environment
from zaloweb.client import Zalo
from zaloweb.errors import ZaloError
from zaloweb.events import FriendEvent, FriendEventKind

_RARELY = 180.0
"""Seconds between two questions, however often friendships change: people with thousands of friends exist."""

_DOUBTFUL = 1200.0
"""Seconds until a list is asked for again that cannot be right."""

log = logging.getLogger(__name__)


class Friends:
    """The friends of one account while it is connected. `follow` keeps them up to date."""

    def __init__(self, environment: Environment, host: Host) -> None:
        self._environment = environment
        self._host = host
        self._certain = False
        self._ids: frozenset[str] | None = None
        self._stale = asyncio.Event()
        self._stale.set()

    def knows(self, user_id: str) -> bool | None:
        """Whether this is a friend; None while nobody has been asked, or the last answer cannot be right."""
        if self._ids is None:
            return None
        return True if user_id in self._ids else (False if self._certain else None)

    def note(self, event: FriendEvent) -> None:
        """A friendship that began or ended counts at once; the whole is asked for again."""
        if self._ids is None or not event.user_id:
            return
        if event.kind is FriendEventKind.ADD:
            self._ids |= {event.user_id}
        elif event.kind is FriendEventKind.REMOVE:
            self._ids -= {event.user_id}
        else:
            return
        self._stale.set()

    async def follow(self, zalo: Zalo) -> None:
        """Ask who is a friend now and after changes. What cannot be asked stays. Lives until cancelled."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self._ask(zalo)
            except ZaloError as error:
                log.info("the friends of %s are not known: %s", zalo.own_id, error)
                self._stale.set()
            await self._environment.clock.sleep(_RARELY if self._certain or self._ids is None else _DOUBTFUL)

    async def _ask(self, zalo: Zalo) -> None:
        """Take over what Zalo says, unless the gateway knows better."""
        people = await peers(zalo)
        self._certain = await self._host.keep_peers(people)
        if self._certain:
            self._ids = frozenset(one.id for one in people)
            log.info("the account %s has %d friends", zalo.own_id, len(self._ids))
            return
        self._ids = self._ids or frozenset()
        self._stale.set()
        log.warning(
            "the account %s is said to have %d friends, which is doubted; who else is one is not known until"
            " it was said for an hour",
            zalo.own_id,
            len(people),
        )
