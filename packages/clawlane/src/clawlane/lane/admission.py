"""Admission: messages are decided and stored in the order of reading; the rest follows after the commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.albums import Albums
from clawlane.messages import Fact, Inbound, Own, ThreadKind
from clawlane.store import inbox
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import AdmittedMessage, NewMessage, NewOwn, NoteResult, UndecidedMessage

AHEAD = 256
"""How many messages the reader may be ahead of the disk."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """A message and when it was read."""

    inbound: Inbound
    read_ms: int


@dataclass(frozen=True, slots=True)
class StartDeciding:
    """Marks the place in the queue from which on messages are decided at once."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Marks the place in the queue by which everything of one kind sent since `back_to_ms` has been read.

    `own_ids` are the ids of the account's own messages among what was fetched.
    """

    kind: ThreadKind
    back_to_ms: int
    own_ids: frozenset[str] = frozenset()


_Item = Read | Fact | StartDeciding | CaughtUp


@dataclass(slots=True)
class Admission:
    """Stores the messages and facts of one account in the order of reading.

    After the commit `act`, `noted` and `caught_up` are called in the same order. Until `ready` returns,
    messages are stored undecided; they are then decided in order. `session` names the present login.
    """

    account_store: AccountStore
    access: AccessChecker
    ready: Callable[[], Awaitable[None]]
    act: Callable[[AdmittedMessage], None]
    noted: Callable[[NoteResult], None]
    caught_up: Callable[[CaughtUp], Awaitable[None]]
    now_ms: Clock
    session: Callable[[], str] = str
    _deciding: bool = False
    _albums: Albums = field(default_factory=Albums)
    _items: asyncio.Queue[_Item] = field(default_factory=lambda: asyncio.Queue(AHEAD))

    async def admit(self, inbound: Inbound) -> None:
        """Queue a message. Waits only while the reader is too far ahead of the disk."""
        read_ms = self.now_ms()
        if not inbound.sent_ms:
            inbound = replace(inbound, sent_ms=self.access.grants().sent_ms(inbound, read_ms))
        await self._items.put(Read(inbound, read_ms))

    async def observe(self, item: Fact | CaughtUp) -> None:
        """Queue a fact, or the end of a catch-up, behind what was read before it."""
        await self._items.put(item)

    async def run(self) -> None:
        """Store what arrives, everything that has queued up in one transaction. Lives until cancelled."""

        async def start_deciding() -> None:
            await self.ready()
            await self._items.put(StartDeciding())

        async with asyncio.TaskGroup() as group:
            group.create_task(start_deciding())
            while True:
                items = await self._next()
                try:
                    await self._take(items)
                    await self._decide_albums(self._albums.due(self.now_ms()))
                finally:
                    for _ in items:
                        self._items.task_done()

    async def drained(self) -> None:
        """Returns once everything that was read is stored."""
        await self._items.join()

    async def _next(self) -> list[_Item]:
        """All that has arrived; nothing if an album has to close before anything does."""
        now_ms = self.now_ms()
        due_ms = self._albums.next_ms(now_ms)
        items: list[_Item] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due_ms is None else max(0, due_ms - now_ms) / 1000):
                items.append(await self._items.get())
        while not self._items.empty():
            items.append(self._items.get_nowait())
        return items

    async def _take(self, items: Sequence[_Item]) -> None:
        stretch: list[Read | Fact] = []
        for item in items:
            match item:
                case StartDeciding():
                    await self._store(stretch)
                    await self._decide_waiting()
                    self._deciding = True
                    stretch = []
                case CaughtUp():
                    await self._store(stretch)
                    await self.caught_up(item)
                    stretch = []
                case Read(inbound) if inbound.album:
                    await self._store(stretch)
                    await self._decide_albums(self._closed_by(inbound))
                    await self._store([item])
                    stretch = []
                case Read(inbound) if closed := self._closed_by(inbound):
                    await self._store(stretch)
                    await self._decide_albums(closed)
                    stretch = [item]
                case _:
                    stretch.append(item)
        await self._store(stretch)

    def _closed_by(self, inbound: Inbound) -> list[list[UndecidedMessage]]:
        """The albums that close before this message: those of its sender, and those that are due."""
        return [*self._albums.due(self.now_ms()), *self._albums.ended_by(inbound)]

    async def _store(self, items: Sequence[Read | Fact]) -> None:
        if not items:
            return
        started = time.perf_counter()
        new = await self._by_one_config(lambda: self._decided(items))
        backlog_ms = max(policy.backlog_max_age_ms for policy in self.access.rules())
        results = await self.account_store.run(inbox.admit_all, new, backlog_ms)
        took_ms = 1000 * (time.perf_counter() - started)
        log.debug("stored %d messages and facts in %.1f ms", len(items), took_ms)
        for item, result in zip(items, results, strict=True):
            match result:
                case AdmittedMessage():
                    self.act(result)
                case NoteResult():
                    self._albums.remove(result.recalled.messages)
                    if self._deciding and result.part is not None and isinstance(item, Read):
                        self._albums.add(UndecidedMessage(result.part, item.inbound, item.read_ms))
                    self.noted(result)
                case Exception():
                    message_id = item.inbound.message_id if isinstance(item, Read) else item.message_id
                    log.error("message %r could not be stored: %r", message_id, result)

    async def _decide_waiting(self) -> None:
        """Decide messages stored undecided, by this run or an earlier one. Parts of albums go on waiting."""
        after = 0
        while waiting := await self.account_store.run(inbox.undecided, AHEAD, after):
            after = waiting[-1].seq
            stretch: list[UndecidedMessage] = []
            for one in waiting:
                if closed := self._albums.ended_by(one.inbound):
                    await self._decide_stretch(stretch)
                    await self._decide_albums(closed)
                    stretch = []
                if one.inbound.album:
                    self._albums.add(one)
                else:
                    stretch.append(one)
            await self._decide_stretch(stretch)

    async def _decide_stretch(self, waiting: Sequence[UndecidedMessage]) -> None:
        async def decide() -> list[tuple[int, NewMessage]]:
            return [(one.seq, await self.access.decide(one.inbound, one.read_ms)) for one in waiting]

        if waiting:
            decided = await self._by_one_config(decide)
            for admitted in await self.account_store.run(inbox.decide, decided):
                self.act(admitted)

    async def _decide_albums(self, albums: Sequence[Sequence[UndecidedMessage]]) -> None:
        """Each as one message, read when its first part was."""
        for parts in albums:
            album = await self.access.decide_album([one.inbound for one in parts], parts[0].read_ms)
            numbered = [(one.seq, one.inbound) for one in parts]
            for admitted in await self.account_store.run(inbox.decide_album, numbered, album):
                self.act(admitted)

    async def _decided(self, items: Sequence[Read | Fact]) -> list[NewMessage | NewOwn | Fact]:
        """Messages with their decisions; a part of an album stays undecided until the album closes."""
        new: list[NewMessage | NewOwn | Fact] = []
        for item in items:
            if isinstance(item, Own):
                new.append(self.access.own(item, self.now_ms(), self.session()))
            elif not isinstance(item, Read):
                new.append(item)
            elif self._deciding and item.inbound.album is None:
                new.append(await self.access.decide(item.inbound, item.read_ms))
            else:
                new.append(self.access.undecided(item.inbound, item.read_ms))
        return new

    async def _by_one_config(self, decide: Callable[[], Awaitable[T]]) -> T:
        """What `decide` gives, once the rules stayed the same meanwhile.

        What is then stored at once is in the store before anything that follows from a change of the rules.
        """
        while True:
            rules = self.access.rules()
            decided = await decide()
            if self.access.rules() is rules:
                return decided
