"""The way in: messages are decided and stored in the order of reading; the rest follows after the commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clawlane.access.decision import Decision, Outcome
from clawlane.lane.access_checker import AccessChecker
from clawlane.lane.albums import Albums
from clawlane.messages import Fact, Inbound, ThreadKind
from clawlane.store import inbox
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import AdmittedMessage, NewMessage, NoteResult, UndecidedMessage

AHEAD = 256
"""How many messages the reader may be ahead of the disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was read, and when."""

    inbound: Inbound
    read_ms: int


@dataclass(frozen=True, slots=True)
class StartDeciding:
    """The place in the queue behind which messages are decided at once."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The place in the queue before which everything of one kind stands that was sent since `back_to_ms`.

    `own_ids` are the ids of the account's own messages among what was fetched.
    """

    kind: ThreadKind
    back_to_ms: int
    own_ids: frozenset[str] = frozenset()


_Item = Read | Fact | StartDeciding | CaughtUp


class Admission:
    """Takes the messages and facts of one account in the order of reading.

    `act` and `noted` are called in that order, after the commit, and so is `caught_up`. Until `ready` returns
    messages are stored without a decision, and decided in order then.
    """

    def __init__(
        self,
        account_store: AccountStore,
        access: AccessChecker,
        ready: Callable[[], Awaitable[None]],
        act: Callable[[AdmittedMessage], None],
        noted: Callable[[NoteResult], None],
        caught_up: Callable[[CaughtUp], Awaitable[None]],
        now_ms: Clock,
    ) -> None:
        self._account_store = account_store
        self._access = access
        self._ready = ready
        self._act = act
        self._noted = noted
        self._caught_up = caught_up
        self._now_ms = now_ms
        self._deciding = False
        self._albums = Albums()
        self._items: asyncio.Queue[_Item] = asyncio.Queue(AHEAD)

    async def admit(self, inbound: Inbound) -> None:
        """Queue a message. Waits only while the reader is too far ahead of the disk."""
        read_ms = self._now_ms()
        dated = inbound if inbound.sent_ms else self._access.dated(inbound, read_ms)
        await self._items.put(Read(dated, read_ms))

    async def observe(self, fact: Fact) -> None:
        """Queue a fact behind the messages that were read before it."""
        await self._items.put(fact)

    async def reached(self, place: CaughtUp) -> None:
        """Queue the end of a catch-up behind what was read for it."""
        await self._items.put(place)

    async def run(self) -> None:
        """Store what arrives, all that came meanwhile in one transaction. Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_deciding())
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

    async def _next(self) -> list[_Item]:
        """All that has arrived; nothing if an album has to close before anything does."""
        now_ms = self._now_ms()
        due_ms = self._albums.next_ms(now_ms)
        items: list[_Item] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(None if due_ms is None else max(0, due_ms - now_ms) / 1000):
                items.append(await self._items.get())
        while not self._items.empty():
            items.append(self._items.get_nowait())
        return items

    async def _start_deciding(self) -> None:
        await self._ready()
        await self._items.put(StartDeciding())

    async def _take(self, items: Sequence[_Item]) -> None:
        stretch: list[Read | Fact] = []
        for item in items:
            if isinstance(item, StartDeciding | CaughtUp):
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

    def _ended_by(self, inbound: Inbound) -> list[list[UndecidedMessage]]:
        """The albums that close before this message: those of its sender, and those that are due."""
        return [*self._albums.due(self._now_ms()), *self._albums.ended_by(inbound)]

    async def _pass(self, place: StartDeciding | CaughtUp) -> None:
        if isinstance(place, CaughtUp):
            await self._caught_up(place)
        else:
            await self._decide_waiting()
            self._deciding = True

    async def _store(self, items: Sequence[Read | Fact]) -> None:
        if not items:
            return
        started = time.perf_counter()
        new = [await self._new_message(item) if isinstance(item, Read) else item for item in items]
        backlog_ms = self._access.policy.backlog_max_age_ms
        results = await self._account_store.run(inbox.admit_all, new, backlog_ms)
        took_ms = 1000 * (time.perf_counter() - started)
        log.debug("stored %d messages and facts in %.1f ms", len(items), took_ms)
        for item, result in zip(items, results, strict=True):
            match result:
                case AdmittedMessage():
                    self._act(result)
                case NoteResult():
                    self._note(item, result)
                case Exception():
                    log.error("message %r could not be stored: %r", _id_of(item), result)

    def _note(self, item: Read | Fact, noted: NoteResult) -> None:
        self._albums.remove(noted.recalled.messages)
        if self._deciding and noted.part is not None and isinstance(item, Read):
            self._albums.add(UndecidedMessage(noted.part, item.inbound, item.read_ms))
        self._noted(noted)

    async def _decide_waiting(self) -> None:
        """Decide what was stored undecided, by this run or an earlier one. Open albums go on waiting."""
        after = 0
        while waiting := await self._account_store.run(inbox.undecided, AHEAD, after):
            after = waiting[-1].seq
            stretch: list[UndecidedMessage] = []
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

    async def _decide_stretch(self, waiting: Sequence[UndecidedMessage]) -> None:
        decided = [(one.seq, await self._decided(one.inbound, one.read_ms)) for one in waiting]
        if decided:
            for admitted in await self._account_store.run(inbox.decide, decided):
                self._act(admitted)

    async def _decide_albums(self, albums: Sequence[Sequence[UndecidedMessage]]) -> None:
        """Each as one message, read when its first part was."""
        for parts in albums:
            read_ms = parts[0].read_ms
            whole, decision = await self._access.decide_album([one.inbound for one in parts], read_ms)
            numbered = [(one.seq, one.inbound) for one in parts]
            album = self._with_policy(whole, read_ms, decision)
            for admitted in await self._account_store.run(inbox.decide_album, numbered, album):
                self._act(admitted)

    async def _new_message(self, read: Read) -> NewMessage:
        """One that is part of an album waits for the others."""
        if self._deciding and read.inbound.album is None:
            return await self._decided(read.inbound, read.read_ms)
        return self._with_policy(read.inbound, read.read_ms, None)

    async def _decided(self, inbound: Inbound, read_ms: int) -> NewMessage:
        return self._with_policy(inbound, read_ms, await self._access.decide(inbound, read_ms))

    def _with_policy(self, inbound: Inbound, read_ms: int, decision: Decision | None) -> NewMessage:
        policy = self._access.policy
        challenged = decision is not None and decision.outcome is Outcome.CHALLENGE
        return NewMessage(
            inbound=inbound,
            decision=decision,
            pairing_reply=policy.pairing_reply,
            read_ms=read_ms,
            history_limit=policy.history_limit,
            pairing_text=self._access.pairing_text if challenged else "",
            merge_ms=policy.merge_ms,
        )


def _id_of(item: Read | Fact) -> str:
    return item.inbound.message_id if isinstance(item, Read) else item.message_id
