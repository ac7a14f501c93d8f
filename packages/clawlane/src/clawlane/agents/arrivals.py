"""Who waits for an answer that comes later, by the number of the turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Arrivals:
    """Of one account. What has arrived stands in the store; this only wakes who waits for it."""

    def __init__(self) -> None:
        self._expected: dict[int, asyncio.Event] = {}

    @contextmanager
    def expecting(self, turn: int) -> Iterator[asyncio.Event]:
        """An event that is set when an answer to the turn has arrived, while entered."""
        event = self._expected[turn] = asyncio.Event()
        try:
            yield event
        finally:
            if self._expected.get(turn) is event:
                del self._expected[turn]

    def arrived(self, turn: int) -> None:
        """An answer to the turn has been stored."""
        if turn in self._expected:
            self._expected[turn].set()
