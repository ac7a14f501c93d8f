"""Tasks beside a body of code, of which none can die unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class Background:
    """Starts tasks that live until they are cancelled or `running` is left."""

    def __init__(self, scope: asyncio.Timeout) -> None:
        self.error: BaseException | None = None
        """What the first task that died has died of."""
        self._scope = scope
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run this beside the body. If it raises, the body is ended."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel what runs, and return once it has ended."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self.error is not None:
            return
        self.error = error
        if not self._closed:
            self._scope.reschedule(0)


@asynccontextmanager
async def running() -> AsyncIterator[Background]:
    """A place for background tasks while entered.

    Raises the error of the task that died. A task group would do, but wraps what the body raises in a group;
    callers tell `Replaced` from `SessionExpired`.
    """
    scope = asyncio.timeout(None)
    background = Background(scope)
    try:
        async with scope:
            try:
                yield background
            finally:
                await background.stop()
    except TimeoutError:
        if background.error is None:
            raise
    if background.error is not None:
        raise background.error
