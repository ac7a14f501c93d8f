"""Catching up: what was written while nobody listened is fetched after every connect, before what comes live.

Zalo gives out the messages of the current login a page at a time, the newest page first, each ending before
a message that is named. It says neither how large a page is nor which one is the last, so the end is the page
that brings nothing older.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec import structs

from clawlane.backoff import Backoff
from clawlane.channel import Cursor, Host
from clawlane.messages import ThreadKind
from clawlane_zalouser import mapping
from clawlane_zalouser.background import Background
from zaloweb import events
from zaloweb.client import Zalo
from zaloweb.errors import BeforeSending
from zaloweb.transport.clock import Clock, within

Item = events.Message | events.Undo | events.Deletion | events.Notice
PassOn = Callable[[Item, bool], Awaitable[None]]
"""Takes an item, and whether it is new: neither fetched nor pushed as part of a backlog."""

_ANSWER_S = 10.0
"""Seconds that Zalo may take for one page."""

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 300.0
_MOST_PAGES = 200
_MOST_HELD = 4096
"""Live messages that wait for what was written before them."""

log = logging.getLogger(__name__)


class CatchUp:
    """What one account missed, in both kinds of thread.

    `pass_on` is given what was fetched, oldest first, then what came live meanwhile.
    """

    def __init__(self, host: Host, pass_on: PassOn, clock: Clock, now_ms: Callable[[], int]) -> None:
        """`now_ms` gives Zalo's time, as far as it is known."""
        self._courses = {kind: _Course(kind, host, pass_on, clock, now_ms) for kind in events.ThreadKind}

    @asynccontextmanager
    async def following(self, zalo: Zalo, background: Background) -> AsyncIterator[None]:
        """Ask over the socket of this session while entered, in background tasks."""
        for course in self._courses.values():
            course.zalo, course.background = zalo, background
        try:
            yield
        finally:
            await self.disconnected()

    async def connected(self) -> None:
        """A connection can be asked. Returns once it is settled what for; take nothing live before."""
        for course in self._courses.values():
            await course.begin()

    async def again(self, kind: ThreadKind) -> None:
        """Ask about one kind of thread once more, if that is not being done."""
        course = self._courses[mapping.zalo_kind(kind)]
        if not course.busy:
            await course.begin()

    async def disconnected(self) -> None:
        """The connection is lost; the next one begins again from where the last was complete."""
        for course in self._courses.values():
            await course.cut()

    def holds(self, item: Item, live: bool) -> bool:
        """Whether a pushed message of somebody else waits here, because older ones have to come first."""
        return not item.is_self and self._courses[item.thread.kind].holds(item, live)

    def answered(self, page: events.OldMessages) -> None:
        """Zalo answered a question."""
        self._courses[page.kind].answered(page)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Items in the order of writing. `complete` is false when Zalo ceased to answer."""

    items: tuple[Item, ...]
    back_to_ms: int
    complete: bool


class _Course:
    """One kind of thread."""

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
        self._kind = kind
        self._host = host
        self._pass_on = pass_on
        self._clock = clock
        self._now_ms = now_ms
        self._held: deque[tuple[Item, bool]] = deque()
        self._holding = False
        self._pages: asyncio.Queue[events.OldMessages] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.cut()
        cursor = await self._host.cursor(self._told_kind)
        self._pages = asyncio.Queue()
        self._holding = True
        assert self.background is not None
        self._task = self.background.start(self._run(cursor), f"zalo catch-up {self._told_kind}")

    async def cut(self) -> None:
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

    def answered(self, page: events.OldMessages) -> None:
        self._pages.put_nowait(page)

    @property
    def _told_kind(self) -> ThreadKind:
        return mapping.kind_of(self._kind)

    async def _run(self, cursor: Cursor) -> None:
        """Try until Zalo answers. What comes live waits for two tries, not longer.

        The first may go unanswered because the line is dead, which is noticed a little later; what came live
        just before must not get ahead of what the next connection fetches.
        """
        backoff = Backoff(_FIRST_WAIT_S, _LONGEST_WAIT_S)
        patient = True
        while not await self._once(cursor, patient):
            wait = backoff.next()
            log.warning(
                "Zalo did not say what %s messages were missed; asking again in %.0f s", self._told_kind, wait
            )
            await self._clock.sleep(wait)
            self._holding, patient = True, False

    async def _once(self, cursor: Cursor, patient: bool) -> bool:
        fetched = await self._fetch(cursor)
        for item in fetched.items:
            if item.sent_ms >= cursor.since_ms or not item.sent_ms:
                await self._pass_on(item, False)
        if fetched.complete:
            await self._host.caught_up(self._told_kind, fetched.back_to_ms, _own_ids(fetched.items))
        if fetched.complete or not patient:
            await self._release()
        return fetched.complete

    async def _release(self) -> None:
        while self._held:
            await self._pass_on(*self._held[0])
            self._held.popleft()
        self._holding = False

    async def _fetch(self, cursor: Cursor) -> _Fetched:
        """Page back until the cursor is reached, or nothing older comes."""
        found: dict[str | bytes, Item] = {}
        back_to_ms, before = self._now_ms(), ""
        for _ in range(_MOST_PAGES):
            page = await self._page(before)
            if page is None:
                return _Fetched(_in_order(found.values()), back_to_ms, complete=False)
            first = _first_id(page.items)
            if not first or (before and int(first) >= int(before)):
                break
            found.update((_own_id(item) or bytes(item.wire), item) for item in page.items)
            back_to_ms = min((back_to_ms, *(item.sent_ms for item in page.items if item.sent_ms)))
            if back_to_ms <= cursor.reach_ms:
                break
            before = first
        return _Fetched(_in_order(found.values()), back_to_ms, complete=True)

    async def _page(self, before: str) -> events.OldMessages | None:
        """The messages before one, or the newest; None when no answer comes."""
        assert self.zalo is not None
        try:
            await self.zalo.request_old_messages(self._kind, before or None)
            return await within(self._clock, _ANSWER_S, self._pages.get())
        except (BeforeSending, TimeoutError):
            return None


def _first_id(items: Iterable[Item]) -> str:
    """The lowest id of a page, or empty."""
    return min((one for one in map(_own_id, items) if one.isdecimal()), key=int, default="")


def _own_id(item: Item) -> str:
    """The id of an item, or empty. An undo's own is meant, not that of what it takes back."""
    if isinstance(item, events.Message | events.Notice):
        return item.msg_id
    return str(item.raw.get("msgId") or "")


def _own_ids(items: Iterable[Item]) -> frozenset[str]:
    """The ids of the account's own messages: those that it sent show that Zalo still gives them out."""
    return frozenset(item.msg_id for item in items if isinstance(item, events.Message) and item.is_self)


def _in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(_dated(sorted(items, key=_number)), key=_written))


def _dated(items: Sequence[Item]) -> Iterator[Item]:
    """The items, in the order of their ids. One that cannot say when it was sent takes the time before it."""
    known_ms = next((item.sent_ms for item in items if item.sent_ms), 0)
    for item in items:
        known_ms = item.sent_ms or known_ms
        yield item if item.sent_ms else structs.replace(item, sent_ms=known_ms)


def _number(item: Item) -> int:
    own_id = _own_id(item)
    return int(own_id) if own_id.isdecimal() else 0


def _written(item: Item) -> tuple[int, int]:
    return item.sent_ms, _number(item)
