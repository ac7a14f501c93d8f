"""Tasks beside a body of code. If one of them fails, the body ends with its error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """Starts tasks that live until they are cancelled or `running` is left."""

    def __init__(self, scope: asyncio.Timeout) -> None:
        self.error: BaseException | None = None
        """The error of the first task that failed."""
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
        """Cancel all tasks, and return once they have ended."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        log.debug("task '%s' failed with %s", task.get_name(), type(error).__name__)
        if self.error is None:
            self.error = error
            if not self._closed:
                self._scope.reschedule(0)


@asynccontextmanager
async def running() -> AsyncIterator[Background]:
    """A place for background tasks while entered.

    Raises the error of the task that failed. A task group would wrap what the body raises in a group, but
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
