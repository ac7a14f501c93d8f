"""Who is a friend of an account: looked up at the start, and again when Zalo says it changed."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from clawlane.channel import Host
from clawlane_zalouser.directory import peers
from clawlane_zalouser.environment import Environment
from zaloweb.client import Zalo
from zaloweb.errors import ZaloError
from zaloweb.events import FriendEvent, FriendEventKind

_USUAL_PAUSE_S = 180.0
"""Between two lookups, however often friendships change: people with thousands of friends exist."""

_DOUBTFUL_PAUSE_S = 1200.0
"""The same after a list that cannot be right."""

_REMEMBERED = 256
"""People about whom the answer is kept: the store is not asked for each message of a conversation."""

log = logging.getLogger(__name__)


class Friends:
    """The friends of one account while it is connected. `follow` keeps them up to date.

    The list itself is in the gateway's store: with hundreds of accounts it would fill the memory.
    """

    def __init__(self, environment: Environment, host: Host) -> None:
        self._environment = environment
        self._host = host
        self._certain = False
        self._looked_up = False
        self._answers: OrderedDict[str, bool] = OrderedDict()
        self._stale = asyncio.Event()
        self._stale.set()

    async def knows(self, user_id: str) -> bool | None:
        """Whether this is a friend; None before the first lookup.

        If the last list cannot be right, it is also None for whoever was not in the one before.
        """
        if not self._looked_up:
            return None
        while (known := self._answers.get(user_id)) is None:
            answers = self._answers
            found = await self._host.is_peer(user_id)
            if answers is self._answers:  # else another list has come meanwhile
                self._remember(user_id, answers.get(user_id, found))
        return True if known else (False if self._certain else None)

    def note(self, event: FriendEvent) -> None:
        """Count a friendship that began or ended at once; the whole list is looked up again."""
        begins = event.kind is FriendEventKind.ADD
        if not (begins or event.kind is FriendEventKind.REMOVE) or not self._looked_up or not event.user_id:
            return
        self._remember(event.user_id, begins)
        log.debug("friendship with %s: %s", event.user_id, event.kind.name.lower())
        self._stale.set()

    async def follow(self, zalo: Zalo) -> None:
        """Look friends up now and after changes, until cancelled. A lookup that fails changes nothing."""
        clock = self._environment.clock
        while True:
            await self._stale.wait()
            self._stale.clear()
            started = clock.monotonic()
            try:
                await self._look_up(zalo)
            except ZaloError as error:
                log.info("the friends of %s are not known: %s", zalo.own_id, error)
                self._stale.set()
            pause_s = _USUAL_PAUSE_S if self._certain or not self._looked_up else _DOUBTFUL_PAUSE_S
            spent_ms = (clock.monotonic() - started) * 1000
            log.debug("%s: looked friends up in %.0f ms, the next in %.0f s", zalo.own_id, spent_ms, pause_s)
            await clock.sleep(pause_s)

    async def _look_up(self, zalo: Zalo) -> None:
        """Take the list that Zalo gives, unless the gateway doubts it."""
        async with self._environment.lists:
            people = await peers(zalo)
            self._certain = await self._host.keep_peers(people)
        self._looked_up = True
        if self._certain:
            self._answers = OrderedDict()
            log.info("the account %s has %d friends", zalo.own_id, len(people))
            return
        self._stale.set()
        log.warning(
            "Zalo lists %d friends of the account %s, which cannot be right; whether anybody else is a friend"
            " stays unknown until Zalo has said so for an hour",
            len(people),
            zalo.own_id,
        )

    def _remember(self, user_id: str, is_friend: bool) -> None:
        self._answers.pop(user_id, None)
        self._answers[user_id] = is_friend
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
