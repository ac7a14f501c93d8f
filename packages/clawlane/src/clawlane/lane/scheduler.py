"""Runs the turns of an account: one at a time in each thread, in order; many threads side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType

from clawlane.access.rules import STOP
from clawlane.messages import Thread
from clawlane.store.models import OpenTurn

IN_MEMORY = 8
"""How many waiting turns of a lane are kept in memory; of the rest only the numbers."""


class ThreadScheduler:
    """The lanes of one account. A lane exists while it has turns; leaving cancels running turns.

    `stop` returns the numbers of the turns that an authorised `/stop` ends; `overtakes` says which commands
    wait for nothing. Only the first turns of a long
    lane are in memory: `read` returns the others when they are due, or None if they are over by then.
    """

    def __init__(
        self,
        run: Callable[[OpenTurn], Coroutine[None, None, None]],
        stop: Callable[[OpenTurn], Awaitable[list[int]]],
        read: Callable[[int], Awaitable[OpenTurn | None]],
        overtakes: Callable[[OpenTurn], bool],
    ) -> None:
        self._run = run
        self._stop = stop
        self._read = read
        self._overtakes = overtakes
        self._waiting: dict[Thread, deque[OpenTurn | int]] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._turns: dict[int, asyncio.Task[None]] = {}
        self._run_again: dict[int, OpenTurn] = {}

    async def __aenter__(self) -> ThreadScheduler:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def put(self, turn: OpenTurn) -> None:
        """Queue a turn behind the others of its thread, unless it overtakes them."""
        thread = turn.inbound.thread
        if self._overtakes(turn):
            self._begin(self._overtake(turn))
        elif thread in self._waiting:
            lane = self._waiting[thread]
            lane.append(turn if len(lane) < IN_MEMORY else turn.seq)
        else:
            self._waiting[thread] = deque([turn])
            self._begin(self._work(thread))

    def again(self, turn: OpenTurn) -> None:
        """Run a turn again, in its place in the lane, because what it answers has changed."""
        waiting = self._waiting.get(turn.inbound.thread, deque())
        place = next((place for place, one in enumerate(waiting) if _number(one) == turn.seq), None)
        if running := self._turns.get(turn.seq):
            self._run_again[turn.seq] = turn
            running.cancel()
        elif place is None:
            self.put(turn)
        elif isinstance(waiting[place], OpenTurn):
            waiting[place] = turn

    def end(self, seq: int) -> None:
        """A turn is over: do not start it, and cancel it if it runs."""
        self._run_again.pop(seq, None)
        if running := self._turns.get(seq):
            running.cancel()
        for waiting in self._waiting.values():
            for turn in [one for one in waiting if _number(one) == seq]:
                waiting.remove(turn)

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _work(self, thread: Thread) -> None:
        turns = self._waiting[thread]
        try:
            while turns:
                turn = turns.popleft()
                found = await self._read(turn) if isinstance(turn, int) else turn
                if found is not None:
                    await self._one(found)
        finally:
            del self._waiting[thread]

    async def _one(self, turn: OpenTurn) -> None:
        """Run a turn in its own task, so that a `/stop` or a recall ends the turn and not the lane."""
        again: OpenTurn | None = turn
        while again is not None:
            task = self._turns[turn.seq] = self._begin(self._run(again))
            try:
                await asyncio.wait([task])
            finally:
                del self._turns[turn.seq]
                again = self._run_again.pop(turn.seq, None)

    async def _overtake(self, turn: OpenTurn) -> None:
        for stopped in await self._stop(turn) if turn.command == STOP else ():
            if running := self._turns.get(stopped):
                running.cancel()
        await self._run(turn)


def _number(turn: OpenTurn | int) -> int:
    return turn if isinstance(turn, int) else turn.seq
