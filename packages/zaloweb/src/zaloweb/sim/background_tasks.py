"""What happens on the simulator's side by itself, a moment after a call was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class BackgroundTasks:
    """The tasks of a world. They begin in the order they were given and end with the world if not before."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Let this go on by itself, whatever becomes of the client who caused it."""
        if self._closed:
            errand.close()
            return
        task = asyncio.get_running_loop().create_task(errand)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """End what still goes on; nothing begins any more."""
        self._closed = True
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
