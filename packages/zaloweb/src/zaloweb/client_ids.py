"""The ids that a sender gives to its own messages: the time in milliseconds, never the same twice."""

from __future__ import annotations

from zaloweb.clock import Clock


class ClientIds:
    """Hands out ids that only rise, however fast they are asked for and wherever the clock jumps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 0

    def take(self, chosen: int | None, count: int = 1) -> int:
        """The first of `count` ids in a row: the one that was chosen, or a new one.

        What is taken without a choice is higher than all that was taken before.
        """
        first = max(self._next, self._clock.now_ms()) if chosen is None else chosen
        self._next = max(self._next, first + count)
        return first
