"""Catching up: messages missed while offline are fetched after every connect, before live ones are passed on.

Zalo returns the messages of the current login in pages, the newest page first, each ending before a given
message. It says neither how large a page is nor which one is the last: the last page is the one that brings
nothing older.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec import structs

from clawlane.backoff import Backoff
from clawlane.channel import Cursor, Host
from clawlane.messages import ThreadKind
from clawlane_zalouser.background import Background
from clawlane_zalouser.mapping import Item
from clawlane_zalouser.threads import KINDS, ZALO_KINDS
from zaloweb import events
from zaloweb.client import Zalo
from zaloweb.errors import BeforeSending
from zaloweb.transport.clock import Clock, within

PassOn = Callable[[Item, bool], Awaitable[None]]
"""Takes an item, and whether it is new: neither fetched nor pushed as part of a backlog."""

_ANSWER_S = 10.0
"""Seconds that Zalo may take for one page."""

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0
_MOST_PAGES = 200
_MOST_HELD = 4096
"""Live messages that wait for older ones."""

log = logging.getLogger(__name__)


class CatchUp:
    """Fetches what one account missed, in both kinds of thread.

    `pass_on` is given the fetched items, oldest first, then those that came live meanwhile.
    """

    def __init__(self, host: Host, pass_on: PassOn, clock: Clock, now_ms: Callable[[], int]) -> None:
        """`now_ms` gives Zalo's time, as far as it is known."""
        self._fetchers = {kind: _Fetcher(kind, host, pass_on, clock, now_ms) for kind in KINDS}

    @asynccontextmanager
    async def following(self, zalo: Zalo, background: Background) -> AsyncIterator[None]:
        """Ask over the socket of this session while entered, in background tasks."""
        for fetcher in self._fetchers.values():
            fetcher.zalo, fetcher.background = zalo, background
        try:
            yield
        finally:
            await self.disconnected()

    async def connected(self) -> None:
        """Start fetching over a new connection. Pass on nothing live before this returns."""
        for fetcher in self._fetchers.values():
            await fetcher.begin()

    async def again(self, kind: ThreadKind) -> None:
        """Fetch one kind of thread once more, unless that is already going on."""
        fetcher = self._fetchers[ZALO_KINDS[kind]]
        if not fetcher.busy:
            await fetcher.begin()

    async def disconnected(self) -> None:
        """Stop: the connection is lost. The next one begins where the last complete fetch ended."""
        for fetcher in self._fetchers.values():
            await fetcher.stop()

    def holds(self, item: Item, live: bool) -> bool:
        """Whether a pushed message of somebody else waits here, because older ones have to come first.

        What the owner does never waits. A conversation that they clear is cleared once more behind the
        messages that wait: those from before it are to go as well.
        """
        if not item.is_self:
            return self._fetchers[item.thread.kind].holds(item, live)
        if isinstance(item, events.Deletion):
            for kind in {one.thread.kind for one in item.entries if one.whole_thread}:
                self._fetchers[kind].holds(item, live)
        return False

    def answered(self, page: events.OldMessages) -> None:
        """Take a page that Zalo returned."""
        self._fetchers[page.kind].pages.put_nowait(page)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Items, oldest first. `complete` is false if Zalo stopped answering."""

    items: list[Item]
    back_to_ms: int
    complete: bool


class _Fetcher:
    """The catch-up of one kind of thread."""

    def __init__(
        self,
        kind: events.ThreadKind,
        host: Host,
        pass_on: PassOn,
        clock: Clock,
        now_ms: Callable[[], int],
    ) -> None:
        self.zalo: Zalo | None = None
        self.background: Background | None = None
        self.pages: asyncio.Queue[events.OldMessages] = asyncio.Queue()
        self._zalo_kind, self._kind = kind, KINDS[kind]
        self._host = host
        self._pass_on = pass_on
        self._clock = clock
        self._now_ms = now_ms
        self._held: deque[tuple[Item, bool]] = deque()
        self._holding = False
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.stop()
        cursor = await self._host.cursor(self._kind)
        self.pages = asyncio.Queue()
        self._holding = True
        assert self.background is not None
        self._task = self.background.start(self._run(cursor), f"zalo catch-up {self._kind}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    @property
    def busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def holds(self, item: Item, live: bool) -> bool:
        if not self._holding or len(self._held) >= _MOST_HELD:
            return False
        self._held.append((item, live))
        return True

    async def _run(self, cursor: Cursor) -> None:
        """Try until Zalo answers. Live messages wait for two tries, not longer.

        The first may go unanswered because the connection is dead, which is noticed a little later; messages
        that came live just before must not get ahead of those that the next connection fetches.
        """
        backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S)
        patient = True
        while not await self._once(cursor, patient):
            wait_s = backoff.next()
            log.warning(
                "Zalo did not say what %s messages were missed; asking again in %.0f s", self._kind, wait_s
            )
            await self._clock.sleep(wait_s)
            self._holding, patient = True, False

    async def _once(self, cursor: Cursor, patient: bool) -> bool:
        started = self._clock.monotonic()
        fetched = await self._fetch(cursor)
        spent_ms = (self._clock.monotonic() - started) * 1000
        told = (self._kind, len(fetched.items), fetched.complete, spent_ms, len(self._held))
        log.debug("catch-up %s: %d items, complete: %s, in %.0f ms; %d live ones wait", *told)
        for item in fetched.items:
            if item.sent_ms >= cursor.since_ms or not item.sent_ms:
                await self._pass_on(item, False)
        if fetched.complete:
            # Own messages that were sent with this login show that Zalo still returns them.
            own = [item for item in fetched.items if isinstance(item, events.Message) and item.is_self]
            own_ids = frozenset(item.msg_id for item in own)
            await self._host.caught_up(self._kind, fetched.back_to_ms, own_ids)
        if fetched.complete or not patient:
            while self._held:
                await self._pass_on(*self._held[0])
                self._held.popleft()
            self._holding = False
        return fetched.complete

    async def _fetch(self, cursor: Cursor) -> _Fetched:
        """Page back until the cursor is reached, or nothing older comes.

        What was fetched says how far back that was. Zalo's time, which is known to about a second, says it
        only where nothing was.
        """
        found: dict[str | bytes, Item] = {}
        now_ms, oldest_ms, before, complete = self._now_ms(), 0, "", True
        for _ in range(_MOST_PAGES):
            page = await self._page(before)
            if page is None:
                complete = False
                break
            first = min(filter(str.isdecimal, map(_own_id, page.items)), key=int, default="")
            if not first or (before and int(first) >= int(before)):
                break
            found.update((_own_id(item) or bytes(item.wire), item) for item in page.items)
            oldest_ms = min(filter(None, (oldest_ms, *(item.sent_ms for item in page.items))), default=0)
            if oldest_ms and oldest_ms <= cursor.reach_ms:
                break
            before = first
        return _Fetched(_in_order(found.values()), oldest_ms or now_ms, complete)

    async def _page(self, before: str) -> events.OldMessages | None:
        """The messages before one, or the newest; None if no answer comes."""
        assert self.zalo is not None
        try:
            await self.zalo.request_old_messages(self._zalo_kind, before or None)
            page = await within(self._clock, _ANSWER_S, self.pages.get())
        except (BeforeSending, TimeoutError) as error:
            log.debug("catch-up %s: no page before '%s': %s", self._kind, before, type(error).__name__)
            return None
        log.debug("catch-up %s: %d items before '%s'", self._kind, len(page.items), before)
        return page


def _own_id(item: Item) -> str:
    """The id of an item, or empty. For an undo its own, not that of the recalled message."""
    if isinstance(item, events.Message | events.Notice):
        return item.msg_id
    return str(item.raw.get("msgId") or "")


def _number(item: Item) -> int:
    own_id = _own_id(item)
    return int(own_id) if own_id.isdecimal() else 0


def _in_order(items: Iterable[Item]) -> list[Item]:
    """The items, oldest first. One without a time gets that of the item with the next lower id."""
    numbered = sorted(items, key=_number)
    known_ms = next((item.sent_ms for item in numbered if item.sent_ms), 0)
    dated = []
    for item in numbered:
        known_ms = item.sent_ms or known_ms
        dated.append(item if item.sent_ms else structs.replace(item, sent_ms=known_ms))
    return sorted(dated, key=lambda item: item.sent_ms)  # a stable sort: the order of ids stays within a time
