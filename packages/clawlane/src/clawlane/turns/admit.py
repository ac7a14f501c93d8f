"""The way in: what was read is decided and stored in order; the rest follows once it is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from clawlane.messages import Fact, Inbound, ThreadKind
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Admitted, Arrival, Noted
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
                items = [await self._items.get()]
                while not self._items.empty():
                    items.append(self._items.get_nowait())
                try:
                    await self._take(items)
                finally:
                    for _ in items:
                        self._items.task_done()

    async def drained(self) -> None:
        """Returns once everything that was read is stored."""
        await self._items.join()

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
            else:
                stretch.append(item)
        await self._store(stretch)

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
        results = await until_stored(partial(self._journal.admit, ready))
        for item, result in zip(items, results, strict=True):
            match result:
                case Admitted():
                    self._act(result)
                case Noted():
                    self._noted(result)
                case Exception():
                    log.error("message %r could not be stored: %r", _id_of(item), result)

    async def _decide_waiting(self) -> None:
        """Decide what was stored undecided, by this run or an earlier one."""
        while waiting := await until_stored(partial(self._journal.undecided, AHEAD)):
            decided = [(one.seq, await self._decided(Read(one.inbound, one.read_ms))) for one in waiting]
            for admitted in await until_stored(partial(self._journal.decide, decided)):
                self._act(admitted)

    async def _arrival(self, read: Read) -> Arrival:
        if self._deciding:
            return await self._decided(read)
        policy = self._judge.policy
        return Arrival(read.inbound, None, policy.pairing_reply, read.read_ms, policy.history_limit)

    async def _decided(self, read: Read) -> Arrival:
        policy = self._judge.policy
        decision = await self._judge.decide(read.inbound, read.read_ms)
        return Arrival(
            read.inbound,
            decision,
            policy.pairing_reply,
            read.read_ms,
            policy.history_limit,
            self._judge.pairing_text,
        )


def _id_of(item: Read | Fact) -> str:
    return item.inbound.message_id if isinstance(item, Read) else item.message_id
