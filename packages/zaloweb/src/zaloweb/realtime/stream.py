"""Passes events from the task that receives them to the one that reads them, with a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Self

from zaloweb.events import Event

_AHEAD = 16
"""Events that may wait for the reader. With more nothing is received: back-pressure to the server."""

_FAR_AHEAD = 4096
"""The same while something waits for an event that may be behind the others."""

Source = Callable[[Callable[[Sequence[Event]], Awaitable[None]]], Awaitable[NoReturn]]


class Stream:
    """An async iterator over what a source delivers. The first `anext` starts the source.

    A delivery of many events is queued as one, so that small events cost little. If the source fails, its
    error is raised after everything it delivered. `aclose` stops it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._deliveries: asyncio.Queue[Sequence[Event] | None] = asyncio.Queue()
        self._begun: Iterator[Event] = iter(())
        self._ahead = 0
        self._room = asyncio.Event()
        self._readers_ahead = 0
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._task is None:
            self._task = asyncio.create_task(self._receive(), name="zalo events")
        while (event := next(self._begun, None)) is None:
            self._begun = iter(await self._next_delivery())
        self._ahead -= 1
        self._room.set()
        return event

    @property
    def running(self) -> bool:
        """Whether the source has been started and has not ended."""
        return self._task is not None and not self._task.done()

    @contextmanager
    def reading_ahead(self) -> Iterator[None]:
        """Raise the limit while entered: the reader may be waiting for something that an event brings."""
        self._readers_ahead += 1
        self._room.set()
        try:
            yield
        finally:
            self._readers_ahead -= 1

    async def aclose(self) -> None:
        """Stop the source, wait until it has stopped, and end the iteration."""
        if self._task is None:
            return
        if not self._task.cancelling():  # a second cancel would interrupt its cleanup
            self._task.cancel()
        await asyncio.wait([self._task])
        while not self._deliveries.empty():
            self._deliveries.get_nowait()
        self._begun = iter(())
        self._deliveries.put_nowait(None)

    async def _next_delivery(self) -> Sequence[Event]:
        delivery = await self._deliveries.get()
        if delivery is not None:
            return delivery
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        raise StopAsyncIteration

    async def _receive(self) -> None:
        try:
            await self._source(self._put)
        except Exception as error:
            self._error = error
        self._deliveries.put_nowait(None)

    async def _put(self, events: Sequence[Event]) -> None:
        while self._ahead >= (_FAR_AHEAD if self._readers_ahead else _AHEAD):
            self._room.clear()
            await self._room.wait()
        self._ahead += len(events)
        self._deliveries.put_nowait(events)
