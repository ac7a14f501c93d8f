"""The one gate of an account: whatever leaves passes it, and is held there by a pause or by pacing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from clawlane.channel import Account, Channel, NotSent, Refused
from clawlane.messages import Inbound, Receipt, Signal, Thread
from clawlane.store.journal import Journal
from clawlane.store.pacing import Sent
from clawlane.store.pauses import Level, Pause
from clawlane.store.records import Chunk
from clawlane.turns.judge import Judge
from clawlane.turns.pacing import Pacer
from clawlane.turns.patience import until_stored


@dataclass(frozen=True, slots=True)
class Held:
    """Why a chunk may not leave now, in a few words, and until when; None until somebody resumes."""

    reason: str
    until_ms: int | None


class Gate:
    """Says when a chunk may leave, and is the only one that calls the channel's `send` and `signal`.

    It lives as long as the gateway, over all runs of its account.
    """

    def __init__(self, account: Account, channel: Channel, pacer: Pacer | None = None) -> None:
        """Without a `pacer` only pauses hold anything."""
        self._account = account
        self._channel = channel
        self._pacer = pacer
        self._judge: Judge | None = None
        self._waited: set[int] = set()
        self._notes: dict[int, Sent] = {}
        self._pauses: dict[Thread | None, Pause] = {}
        self._changed = asyncio.Event()

    async def begin(self, journal: Journal, judge: Judge) -> None:
        """Read what left before, so that a new run does not begin with fresh budgets.

        `judge` is asked again about the sender before a reply leaves that had to wait.
        """
        self._judge = judge
        self._waited = set(await until_stored(journal.queued))
        if self._pacer is not None:
            self._pacer.remember(await until_stored(journal.sends))

    def met(self, inbound: Inbound) -> None:
        """A message that was read: its writer is a friend or not, which pacing has to know."""
        if self._pacer is not None:
            self._pacer.met(inbound)

    def wait_ms(self, chunk: Chunk, now_ms: int) -> int | None:
        """0 if the chunk may leave now, the milliseconds until it may, None while it is paused.

        Ask it of the first open chunk of a thread. After 0 call `sent` before the next await, so that two
        chunks do not use one budget. Whoever ends a pause wakes the outbox.
        """
        held = self.held(chunk, now_ms)
        if held is None:
            return 0
        self._waited.add(chunk.id)
        return None if held.until_ms is None else max(1, held.until_ms - now_ms)

    def held(self, chunk: Chunk, now_ms: int) -> Held | None:
        """What keeps a chunk from leaving now, for people to read."""
        pause = self._pause_of(chunk.out.thread)
        if pause is not None:
            return Held("paused", None)
        hold = self._pacer.hold(chunk, now_ms) if self._pacer else None
        return Held(hold.reason, hold.until_ms) if hold else None

    def sent(self, chunk: Chunk, now_ms: int) -> None:
        """The chunk is about to leave: from now on it counts. One that is tried again counts once."""
        if self._pacer is not None:
            self._notes[chunk.id] = self._pacer.note(chunk, now_ms)

    async def send(self, chunk: Chunk, journal: Journal) -> Receipt:
        """Write down that the chunk leaves, then send it. Raises a `SendFailed`.

        A pause that came after `wait_ms` makes it `NotSent`, and a sender who was let in no more when a reply
        had waited makes it `Refused`.
        """
        if chunk.id in self._waited:
            await self._still_admitted(chunk, journal)
        if note := self._notes.pop(chunk.id, None):
            await until_stored(partial(journal.note_send, note))
        if self._pause_of(chunk.out.thread) is not None:
            raise NotSent("paused just before it left", 0.0)
        return await self._channel.send(self._account, chunk.out)

    async def _still_admitted(self, chunk: Chunk, journal: Journal) -> None:
        self._waited.discard(chunk.id)
        if chunk.turn is None or self._judge is None:
            return
        turn = await until_stored(partial(journal.turn, chunk.turn))
        if turn and await self._judge.again(turn.inbound):
            raise Refused("the sender is not admitted any more")

    async def show(self, signal: Signal) -> None:
        """Show others something, unless it is paused."""
        if self._pause_of(signal.thread) is None:
            await self._channel.signal(self._account, signal)

    async def opened(self, thread: Thread) -> None:
        """Returns once nothing pauses the thread: a turn waits here before it starts."""
        while self._pause_of(thread) is not None:
            await self._changed.wait()

    def pause(self, pauses: Iterable[Pause]) -> None:
        """Let these pauses hold, and no others."""
        self._pauses = {pause.thread: pause for pause in pauses}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def offline(self) -> Pause | None:
        """The pause that keeps the whole account from being connected."""
        whole = self._pauses.get(None)
        return whole if whole and whole.level is Level.OFFLINE else None

    def _pause_of(self, thread: Thread) -> Pause | None:
        return self._pauses.get(None) or self._pauses.get(thread)
