"""Lanes: one turn at a time in a thread, in order; many threads side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType

from clawlane.access.commands import STOP
from clawlane.messages import Thread
from clawlane.store.records import OpenTurn


class Lanes:
    """The lanes of one account. A lane exists while it has turns; leaving cancels what runs."""

    def __init__(self, run: Callable[[OpenTurn], Coroutine[None, None, None]]) -> None:
        self._run = run
        self._waiting: dict[Thread, deque[OpenTurn]] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Lanes:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def put(self, turn: OpenTurn) -> None:
        """Queue a turn behind the others of its thread. An authorised `/stop` passes them by."""
        thread = turn.inbound.thread
        if turn.command == STOP:
            self._begin(self._run(turn))
        elif thread in self._waiting:
            self._waiting[thread].append(turn)
        else:
            self._waiting[thread] = deque([turn])
            self._begin(self._work(thread))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(self, thread: Thread) -> None:
        turns = self._waiting[thread]
        try:
            while turns:
                await self._run(turns.popleft())
        finally:
            del self._waiting[thread]
