"""The way out: the one gate of an account, through which everything leaves, in order in each thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from clawlane.channel import NeedsLogin, NotSent, Refused, Unknown
from clawlane.messages import Signal
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Chunk, Take
from clawlane.turns.gate import Gate
from clawlane.turns.patience import until_stored
from clawlane.turns.signals import SignalQueue

ANSWER_DEADLINE = 120.0
"""Seconds after which a send without an answer counts as unknown, whatever the channel waits for."""

_LONGEST_RETRY = 300.0
log = logging.getLogger(__name__)


class Outbox:
    """Sends the queued chunks of one account while it is open, and keeps what became of each."""

    def __init__(self, journal: Journal, gate: Gate, now_ms: Clock, jitter: Callable[[], float]) -> None:
        """`jitter` gives a number from 0 to 1, by which retries are spread."""
        self._journal = journal
        self._gate = gate
        self._signals = SignalQueue(gate.show)
        self._now_ms = now_ms
        self._jitter = jitter
        self._open = asyncio.Event()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._expected: dict[int, asyncio.Event] = {}

    def wake(self) -> None:
        """There may be something new to send."""
        self._news.set()

    def open(self) -> None:
        """The channel can send now."""
        self._open.set()
        self._news.set()

    def close(self) -> None:
        """The channel cannot send; chunks wait. One that is on its way is finished."""
        self._open.clear()

    async def quiet(self) -> None:
        """Returns when no chunk is between sending and its answer."""
        await self._idle.wait()

    @contextmanager
    def expecting(self, turn: int) -> Iterator[asyncio.Event]:
        """An event that is set once nothing of this turn waits to be sent.

        Enter before the chunks are written.
        """
        settled = self._expected.setdefault(turn, asyncio.Event())
        try:
            yield settled
        finally:
            self._expected.pop(turn, None)

    def echoed(self, turn: int | None) -> None:
        """The account saw a message of its own: it told what became of a chunk, and maybe settled a turn."""
        self._settled(turn)
        self.wake()

    def show(self, signal: Signal) -> None:
        """Show others something soon, if the channel can send now. Never waits and never fails."""
        if self._open.is_set():
            self._signals.put(signal)

    async def run(self) -> None:
        """Send while open. Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._signals.run())
            group.create_task(self._send_chunks())

    async def _send_chunks(self) -> None:
        while True:
            await self._open.wait()
            self._news.clear()
            take = await self._next()
            if take.chunk is None:
                await self._rest(take.due_ms)

    async def _next(self) -> Take:
        """Take a chunk and send it.

        Not idle from before it is taken, so that a stop does not fall in between.
        """
        self._idle.clear()
        try:
            take = await until_stored(self._journal.take)
            if take.chunk is not None:
                self._settled(await self._attempt(take.chunk))
            return take
        finally:
            self._idle.set()

    async def _attempt(self, chunk: Chunk) -> int | None:
        """Send one chunk and write down what became of it. Gives the turn whose lane may go on."""
        try:
            async with asyncio.timeout(ANSWER_DEADLINE):
                receipt = await self._gate.send(chunk, self._journal)
        except NotSent as error:
            await self._again(chunk, str(error), error.retry_in)
            return None
        except NeedsLogin as error:
            self.close()
            await self._again(chunk, str(error), 0.0)
            return None
        except Refused as error:
            log.warning("chunk %d to %s was refused: %s", chunk.id, chunk.out.thread, error)
            return await until_stored(partial(self._journal.refused, chunk.id, str(error)))
        except Exception as error:
            return await self._lost(chunk, error)
        return await until_stored(partial(self._journal.sent, chunk.id, receipt))

    async def _again(self, chunk: Chunk, reason: str, retry_in: float) -> None:
        wait = min(retry_in * 2 ** min(chunk.attempts - 1, 10), _LONGEST_RETRY) * (1 + 0.1 * self._jitter())
        log.info("chunk %d to %s did not leave: %s", chunk.id, chunk.out.thread, reason)
        due_ms = self._now_ms() + int(1000 * wait)
        await until_stored(partial(self._journal.retry, chunk.id, reason, due_ms))

    async def _lost(self, chunk: Chunk, error: Exception) -> int | None:
        """Unknown, and every surprise: bytes may have left, so it is not sent again."""
        if isinstance(error, Unknown):
            reason = str(error)
        elif isinstance(error, TimeoutError):
            reason = f"no answer within {ANSWER_DEADLINE:.0f} s"
        else:
            reason = f"{type(error).__name__}: {error}"
        log.warning("chunk %d to %s may or may not have arrived: %s", chunk.id, chunk.out.thread, reason)
        return await until_stored(partial(self._journal.unknown, chunk.id, reason))

    def _settled(self, turn: int | None) -> None:
        if turn is not None and turn in self._expected:
            self._expected[turn].set()

    async def _rest(self, due_ms: int | None) -> None:
        """Until something new comes or the next chunk is due."""
        wait = None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000)
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            return
