"""The way out: the one sender of an account, in order in each thread and threads side by side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from clawlane.channel import NeedsLogin, NotSent, Refused, Unknown
from clawlane.messages import Signal
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Chunk, Ended
from clawlane.turns.gate import Gate
from clawlane.turns.patience import until_stored
from clawlane.turns.signals import SignalQueue

AT_ONCE = 4
"""How many chunks, each of another thread, are on their way at once."""

ANSWER_DEADLINE = 120.0
"""Seconds after which a send without an answer counts as unknown, whatever the channel waits for."""

_LONGEST_RETRY = 300.0
log = logging.getLogger(__name__)


class Outbox:
    """Sends the queued chunks of one account while it is open, and keeps what became of each.

    With `look_up`, what is of unknown fate keeps its thread waiting until the platform was asked about it.
    """

    def __init__(
        self,
        journal: Journal,
        gate: Gate,
        now_ms: Clock,
        jitter: Callable[[], float],
        *,
        look_up: bool = False,
    ) -> None:
        """`jitter` gives a number from 0 to 1, by which retries are spread."""
        self._journal = journal
        self._gate = gate
        self._signals = SignalQueue(gate.show)
        self._now_ms = now_ms
        self._jitter = jitter
        self._look_up = look_up
        self._open = asyncio.Event()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._on_their_way = 0
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

    def settled(self, turn: int | None) -> None:
        """Something else than a send told what became of a chunk, and maybe settled a turn."""
        if turn is not None and turn in self._expected:
            self._expected[turn].set()
        self.wake()

    def show(self, signal: Signal) -> None:
        """Show others something soon, if the channel can send now. Never waits and never fails."""
        if self._open.is_set():
            self._signals.put(signal)

    async def run(self) -> None:
        """Send while open. Lives until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._signals.run())
            while True:
                await self._open.wait()
                self._news.clear()
                due_ms = await self._round(group)
                await self._rest(due_ms)

    async def _round(self, group: asyncio.TaskGroup) -> int | None:
        """Send what may leave now. Gives when more may, None if that needs something new.

        Not idle from before a chunk is taken, so that a stop does not fall in between.
        """
        self._idle.clear()
        try:
            waiting = await until_stored(partial(self._journal.waiting, look_up=self._look_up))
            chunks, gate_ms = self._passing(waiting.chunks)
            if chunks:
                begun = await until_stored(partial(self._journal.begin, [chunk.id for chunk in chunks]))
                for chunk in chunks:
                    if chunk.id in begun:
                        self._on_their_way += 1
                        group.create_task(self._carry(chunk))
        finally:
            self._maybe_idle()
        return min((ms for ms in (waiting.due_ms, gate_ms) if ms is not None), default=None)

    def _passing(self, chunks: tuple[Chunk, ...]) -> tuple[list[Chunk], int | None]:
        """As many chunks as may leave at once, and when the next one may that has to wait at the gate."""
        passing: list[Chunk] = []
        later: list[int] = []
        now_ms = self._now_ms()
        for chunk in chunks:
            if not self._open.is_set() or self._on_their_way + len(passing) >= AT_ONCE:
                break
            wait = self._gate.wait_ms(chunk, now_ms)
            if wait == 0:
                self._gate.sent(chunk, now_ms)
                passing.append(chunk)
            elif wait is not None:
                later.append(now_ms + wait)
        return passing, min(later, default=None)

    async def _carry(self, chunk: Chunk) -> None:
        try:
            turn = await self._attempt(chunk)
        finally:
            self._on_their_way -= 1
            self._maybe_idle()
        self.settled(turn)

    def _maybe_idle(self) -> None:
        if not self._on_their_way:
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
            ended = await until_stored(partial(self._journal.refused, chunk.id, str(error)))
            return _tell(chunk, f"was refused: {error}", ended)
        except Exception as error:
            reason = _unknown(error)
            ended = await until_stored(partial(self._journal.unknown, chunk.id, reason))
            return _tell(chunk, f"may or may not have arrived: {reason}", ended)
        return await until_stored(partial(self._journal.sent, chunk.id, receipt))

    async def _again(self, chunk: Chunk, reason: str, retry_in: float) -> None:
        wait = min(retry_in * 2 ** min(chunk.attempts - 1, 10), _LONGEST_RETRY) * (1 + 0.1 * self._jitter())
        log.info("message %d to %s did not leave: %s", chunk.id, chunk.out.thread, reason)
        due_ms = self._now_ms() + int(1000 * wait)
        await until_stored(partial(self._journal.retry, chunk.id, reason, due_ms))

    async def _rest(self, due_ms: int | None) -> None:
        """Until something new comes or the next chunk is due."""
        wait = None if due_ms is None else max(0.0, (due_ms - self._now_ms()) / 1000)
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            return


def _unknown(error: Exception) -> str:
    """Why nobody knows whether it arrived. Every surprise counts: bytes may have left."""
    if isinstance(error, Unknown):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_DEADLINE:.0f} s"
    return f"{type(error).__name__}: {error}"


def _tell(chunk: Chunk, what: str, ended: Ended) -> int | None:
    """Tell the operator what became of a chunk and its reply, and what can be done about it."""
    reply = f" ({ended.told})" if ended.told.startswith("of ") else ""
    log.warning("message %d to %s %s%s; see: openclaw outbox list", chunk.id, chunk.out.thread, what, reply)
    return ended.turn
