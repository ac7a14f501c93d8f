"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds, as `asyncio.sleep` does."""


class Backoff:
    """Waits in seconds: `first`, then twice as long each time, up to `longest`.

    `jitter` gives a number from 0 to 1 (`float` gives 0); it adds up to a tenth of the wait, so that many
    accounts do not try at the same moment.
    """

    def __init__(self, first: float, longest: float, jitter: Callable[[], float] = float) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._wait = first

    def next(self, at_least: float = 0.0) -> float:
        """The wait before the next try, `at_least` that many seconds; the one after it is longer."""
        wait = max(self._wait, at_least)
        self._wait = min(2 * wait, self._longest)
        return wait * (1 + 0.1 * self._jitter())

    def reset(self) -> None:
        """A try worked: begin with the shortest wait again."""
        self._wait = self._first
