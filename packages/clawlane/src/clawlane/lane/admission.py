"""The way in: what was read is decided and stored in order; the rest follows once it is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from clawlane.access.decision import Decision
from clawlane.access.pairing import built_in_text
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import album_message, decide, decide_again
from clawlane.messages import Fact, Inbound, Thread, ThreadKind
from clawlane.store import inbox, outbox
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import Admitted, NewMessage, Noted, Undecided

_NOBODY = ("", "0")


@dataclass(frozen=True, slots=True)
class AccessChecker:
    """Asks the access rules. `grants` gives what is known right now, but for the receipts."""

    account_store: AccountStore
    policy: AccessPolicy
    grants: Callable[[], Grants]

    @property
    def pairing_text(self) -> str:
        """What strangers are sent: the text of the config, or the built-in one of the account's language."""
        return self.policy.pairing_text or built_in_text(self.grants().language)

    async def decide(self, inbound: Inbound, read_ms: int) -> Decision:
        """What to do with a message that was read at `read_ms`."""
        return decide(inbound, self.policy, await self._known(inbound), read_ms)

    async def decide_album(self, parts: Sequence[Inbound], read_ms: int) -> tuple[Inbound, Decision]:
        """What to do with an album of which the first part was read at `read_ms`, and what it says as one."""
        whole = album_message(parts, self.grants().own_id)
        return whole, await self.decide(whole, read_ms)

    async def again(self, inbound: Inbound) -> Decision | None:
        """The second decision, just before a turn starts, if it closes the door."""
        return decide_again(inbound, self.policy, await self._known(inbound))

    def dated(self, inbound: Inbound, read_ms: int) -> Inbound:
        """The message with a time of sending, also where the channel could not tell one."""
        return replace(inbound, sent_ms=self.grants().sent_ms(inbound, read_ms))

    @property
    def skew_ms(self) -> int:
        """How far the platform's clock is ahead of this machine's, as far as that is known."""
        return self.grants().skew_ms or 0

    async def _known(self, inbound: Inbound) -> Grants:
        """Whether a quoted message is the account's own is asked of the store, where all receipts are."""
        grants, quote = self.grants(), inbound.quote
        if quote is None or quote.owner_id == grants.own_id:
            return grants
        # Ids of devices are no more than times: they count where nobody says whose message it was.
        client_id = quote.client_id if quote.owner_id in _NOBODY else ""
        if await self.account_store.run(outbox.is_receipt, quote.message_id, client_id):
            return replace(grants, receipts=frozenset((quote.message_id, client_id)))
        return grants


AFTER_LAST_MS = 1_500
AFTER_FIRST_MS = 6_000
"""How long after its last part, and at most after its first one, an album closes without being complete."""

_SET_BACK_MS = 1_000
"""If the clock is further behind the last part, it was set back: nothing is waited for."""


@dataclass(slots=True)
class Open:
    """The parts of one album so far, in the order they were read."""

    parts: list[Undecided] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all parts are there that the sender's client announced."""
        total = max((one.inbound.album.total for one in self.parts if one.inbound.album), default=0)
        return 0 < total <= len(self.parts)

    def due_ms(self, now_ms: int) -> int:
        """When it closes."""
        last_ms = self.parts[-1].read_ms
        if now_ms < last_ms - _SET_BACK_MS:
            return now_ms
        return min(last_ms + AFTER_LAST_MS, self.parts[0].read_ms + AFTER_FIRST_MS)


class Albums:
    """The open albums of one account. One that is given out is closed."""

    def __init__(self) -> None:
        self._open: dict[tuple[Thread, str, str], Open] = {}

    def add(self, part: Undecided) -> None:
        """A part was read."""
        self._open.setdefault(_key(part.inbound), Open()).parts.append(part)

    def remove(self, seqs: tuple[int, ...]) -> None:
        """Messages were recalled."""
        for key, album in list(self._open.items()):
            album.parts = [one for one in album.parts if one.seq not in seqs]
            if not album.parts:
                del self._open[key]

    def ended_by(self, inbound: Inbound) -> list[list[Undecided]]:
        """The albums that a message of their sender closes: it is no part of them."""
        thread, sender, album = _key(inbound)
        keys = [key for key in self._open if key[:2] == (thread, sender) and key[2] != album]
        return [self._open.pop(key).parts for key in keys]

    def due(self, now_ms: int) -> list[list[Undecided]]:
        """The albums that are complete or have had their time."""
        keys = [key for key, one in self._open.items() if one.complete or one.due_ms(now_ms) <= now_ms]
        return [self._open.pop(key).parts for key in keys]

    def next_ms(self, now_ms: int) -> int | None:
        """When the next album closes; None without one."""
        return min((one.due_ms(now_ms) for one in self._open.values()), default=None)


def _key(inbound: Inbound) -> tuple[Thread, str, str]:
    return inbound.thread, inbound.sender_id, inbound.album.id if inbound.album else ""


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
        account_store: AccountStore,
        judge: AccessChecker,
        ready: Callable[[], Awaitable[None]],
        act: Callable[[Admitted], None],
        noted: Callable[[Noted], None],
        caught_up: Callable[[CaughtUp], Awaitable[None]],
        now_ms: Clock,
    ) -> None:
        self._account_store = account_store
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
        results = await self._account_store.run(inbox.admit_all, ready, backlog_ms)
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
        while waiting := await self._account_store.run(inbox.undecided, AHEAD, after):
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
            for admitted in await self._account_store.run(inbox.decide, decided):
                self._act(admitted)

    async def _decide_albums(self, albums: Sequence[Sequence[Undecided]]) -> None:
        """Each as one message, read when its first part was."""
        for parts in albums:
            whole, decision = await self._judge.decide_album([one.inbound for one in parts], parts[0].read_ms)
            arrival = self._as_arrival(Read(whole, parts[0].read_ms), decision)
            numbered = [(one.seq, one.inbound) for one in parts]
            for admitted in await self._account_store.run(inbox.decide_album, numbered, arrival):
                self._act(admitted)

    async def _arrival(self, read: Read) -> NewMessage:
        """One that is part of an album waits for the others."""
        if self._deciding and read.inbound.album is None:
            return await self._decided(read)
        return self._as_arrival(read, None)

    async def _decided(self, read: Read) -> NewMessage:
        return self._as_arrival(read, await self._judge.decide(read.inbound, read.read_ms))

    def _as_arrival(self, read: Read, decision: Decision | None) -> NewMessage:
        policy = self._judge.policy
        return NewMessage(
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
