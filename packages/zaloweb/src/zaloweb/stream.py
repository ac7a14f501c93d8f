"""Events from the task that receives them to the one that takes them, a few ahead and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn, Self

from zaloweb.events import Event

_AHEAD = 16
"""Events received ahead of whoever takes them. Past that nothing is read, and the server is held back."""

Source = Callable[[Callable[[Event], Awaitable[None]]], Awaitable[NoReturn]]


class Stream:
    """An async iterator over what a source delivers. It starts with the first item asked for.

    When the source fails, its error is raised once everything it delivered before was taken. `aclose`
    stops it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._task is None:
            self._task = asyncio.create_task(self._receive(), name="zalo events")
        event = await self._queue.get()
        if event is not None:
            return event
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the source, wait until it has stopped, and end the iteration of whoever takes events."""
        if self._task is None:
            return
        if not self._task.cancelling():  # a second time would cut its farewell short
            self._task.cancel()
        await asyncio.wait([self._task])
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def _receive(self) -> None:
        try:
            await self._source(self._queue.put)
        except Exception as error:
            self._error = error
        await self._queue.put(None)
