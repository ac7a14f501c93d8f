"""The way in: what was read is decided and stored in order; the rest follows once it is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from clawlane.access.decision import Decision
from clawlane.messages import Fact, Inbound, ThreadKind
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Admitted, Arrival, Noted, Undecided
from clawlane.turns.albums import Albums
from clawlane.turns.judge import Judge
from clawlane.turns.patience import until_stored

AHEAD = 256
"""How many messages the reader may be ahead of the disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was read, and when."""

    inbound: Inbound
    read_ms: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The place in the queue from which on messages are decided."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The place in the queue before which stands everything of a kind that was sent since `back_to_ms`.

    `own_ids` are the ids of the account's own messages among what was fetched.
    """

    kind: ThreadKind
    back_to_ms: int
    own_ids: frozenset[str] = frozenset()


class Admission:
    """Takes the messages and facts of one account in the order of reading.

    `act` and `noted` are called in that order, after the commit, and so is `caught_up`. Until `ready` returns
    messages are stored without a decision, and decided in order then.
    """

    def __init__(
        self,
        journal: Journal,
        judge: Judge,
        ready: Callable[[], Awaitable[None]],
        act: Callable[[Admitted], None],
        noted: Callable[[Noted], None],
        caught_up: Callable[[CaughtUp], Awaitable[None]],
        now_ms: Clock,
    ) -> None:
        self._journal = journal
        self._judge = judge
        self._ready = ready
        self._act = act
        self._noted = noted
        self._caught_up = caught_up
        self._now_ms = now_ms
        self._deciding = False
        self._albums = Albums()
        self._items: asyncio.Queue[Read | Fact | Opening | CaughtUp] = asyncio.Queue(AHEAD)

    async def admit(self, inbound: Inbound) -> None:
        """Take a message in. Waits only while the reader is too far ahead of the disk."""
        read_ms = self._now_ms()
        dated = inbound if inbound.sent_ms else self._judge.dated(inbound, read_ms)
        await self._items.put(Read(dated, read_ms))

    async def observe(self, fact: Fact) -> None:
        """Take a fact in, behind the messages that were read before it."""
        await self._items.put(fact)

    async def reached(self, place: CaughtUp) -> None:
        """Say that a kind of thread has been caught up with, behind what was read for that."""
        await self._items.put(place)

    async def run(self) -> None:
        """Store what arrives, as much at once as came meanwhile. Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._open())
            while True:
                items = await self._next()
                try:
                    await self._take(items)
                    await self._decide_albums(self._albums.due(self._now_ms()))
                finally:
                    for _ in items:
                        self._items.task_done()

    async def drained(self) -> None:
        """Returns once everything that was read is stored."""
        await self._items.join()

    async def _next(self) -> list[Read | Fact | Opening | CaughtUp]:
        """All that has arrived; nothing if an album has to close before anything does."""
        now_ms = self._now_ms()
        due_ms = self._albums.next_ms(now_ms)
        items: list[Read | Fact | Opening | CaughtUp] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due_ms is None else max(0, due_ms - now_ms) / 1000):
                items.append(await self._items.get())
        while not self._items.empty():
            items.append(self._items.get_nowait())
        return items

    async def _open(self) -> None:
        await self._ready()
        await self._items.put(Opening())

    async def _take(self, items: Sequence[Read | Fact | Opening | CaughtUp]) -> None:
        stretch: list[Read | Fact] = []
        for item in items:
            if isinstance(item, Opening | CaughtUp):
                await self._store(stretch)
                await self._pass(item)
                stretch = []
            elif isinstance(item, Read) and item.inbound.album:
                await self._store(stretch)
                await self._decide_albums(self._ended_by(item.inbound))
                await self._store([item])
                stretch = []
            elif isinstance(item, Read) and (ended := self._ended_by(item.inbound)):
                await self._store(stretch)
                await self._decide_albums(ended)
                stretch = [item]
            else:
                stretch.append(item)
        await self._store(stretch)

    def _ended_by(self, inbound: Inbound) -> list[list[Undecided]]:
        """The albums that close before this message: those of its sender, and those that are due."""
        return [*self._albums.due(self._now_ms()), *self._albums.ended_by(inbound)]

    async def _pass(self, place: Opening | CaughtUp) -> None:
        if isinstance(place, CaughtUp):
            await self._caught_up(place)
        else:
            await self._decide_waiting()
            self._deciding = True

    async def _store(self, items: Sequence[Read | Fact]) -> None:
        if not items:
            return
        ready = [await self._arrival(item) if isinstance(item, Read) else item for item in items]
        backlog_ms = self._judge.policy.backlog_max_age_ms
        results = await until_stored(partial(self._journal.admit, ready, backlog_ms))
        for item, result in zip(items, results, strict=True):
            match result:
                case Admitted():
                    self._act(result)
                case Noted():
                    self._note(item, result)
                case Exception():
                    log.error("message %r could not be stored: %r", _id_of(item), result)

    def _note(self, item: Read | Fact, noted: Noted) -> None:
        self._albums.remove(noted.recalled.messages)
        if self._deciding and noted.part is not None and isinstance(item, Read):
            self._albums.add(Undecided(noted.part, item.inbound, item.read_ms))
        self._noted(noted)

    async def _decide_waiting(self) -> None:
        """Decide what was stored undecided, by this run or an earlier one. Open albums go on waiting."""
        after = 0
        while waiting := await until_stored(partial(self._journal.undecided, AHEAD, after)):
            after = waiting[-1].seq
            stretch: list[Undecided] = []
            for one in waiting:
                if ended := self._albums.ended_by(one.inbound):
                    await self._decide_stretch(stretch)
                    await self._decide_albums(ended)
                    stretch = []
                if one.inbound.album:
                    self._albums.add(one)
                else:
                    stretch.append(one)
            await self._decide_stretch(stretch)

    async def _decide_stretch(self, waiting: Sequence[Undecided]) -> None:
        decided = [(one.seq, await self._decided(Read(one.inbound, one.read_ms))) for one in waiting]
        if decided:
            for admitted in await until_stored(partial(self._journal.decide, decided)):
                self._act(admitted)

    async def _decide_albums(self, albums: Sequence[Sequence[Undecided]]) -> None:
        """Each as one message, read when its first part was."""
        for parts in albums:
            whole, decision = await self._judge.decide_album([one.inbound for one in parts], parts[0].read_ms)
            arrival = self._as_arrival(Read(whole, parts[0].read_ms), decision)
            numbered = [(one.seq, one.inbound) for one in parts]
            for admitted in await until_stored(partial(self._journal.decide_album, numbered, arrival)):
                self._act(admitted)

    async def _arrival(self, read: Read) -> Arrival:
        """One that is part of an album waits for the others."""
        if self._deciding and read.inbound.album is None:
            return await self._decided(read)
        return self._as_arrival(read, None)

    async def _decided(self, read: Read) -> Arrival:
        return self._as_arrival(read, await self._judge.decide(read.inbound, read.read_ms))

    def _as_arrival(self, read: Read, decision: Decision | None) -> Arrival:
        policy = self._judge.policy
        return Arrival(
            inbound=read.inbound,
            decision=decision,
            pairing_reply=policy.pairing_reply,
            read_ms=read.read_ms,
            history_limit=policy.history_limit,
            pairing_text=self._judge.pairing_text,
            merge_ms=policy.merge_ms,
        )


def _id_of(item: Read | Fact) -> str:
    return item.inbound.message_id if isinstance(item, Read) else item.message_id
