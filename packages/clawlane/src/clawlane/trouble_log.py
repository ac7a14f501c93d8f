"""Trouble that comes again with every attempt, told in the log once in a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

EVERY_S = 60.0
"""Seconds after which the same trouble is told again."""


class TroubleLog:
    """Logs an error at once, the same one again after a minute, and in between at the level debug."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._told: dict[str, float] = {}

    def error(self, text: str, *args: object) -> None:
        """Tell of it; what has the same `text` is the same trouble, whatever its arguments."""
        now = self._clock()
        is_due = now - self._told.get(text, float("-inf")) >= EVERY_S
        if is_due:
            self._told[text] = now
        self._log.log(logging.ERROR if is_due else logging.DEBUG, text, *args)

    def over(self) -> None:
        """It is over: the next time is told at once."""
        self._told.clear()
