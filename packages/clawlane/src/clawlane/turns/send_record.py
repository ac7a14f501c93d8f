"""Whether sending works: several sends in a row that failed, and the first one that arrives again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from clawlane.messages import Thread

IN_A_ROW = 3
"""After so many failed sends nothing is said to leave any more."""

_HELP = "openclaw outbox list"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """That sending does not work: one sentence, and the command that shows what waits."""

    reason: str
    help: str = _HELP


class SendRecord:
    """The sends of one account since the last that arrived. `told` hears of every change.

    What is refused in one thread counts once: that may be about this one person.
    """

    def __init__(self, told: Callable[[Trouble | None], None]) -> None:
        self._told = told
        self._failed = 0
        self._refused: set[Thread] = set()

    def arrived(self) -> None:
        """A send arrived, so that sending works."""
        self._failed = 0
        self._refused.clear()
        self._told(None)

    def failed(self, what: str) -> None:
        """A send did not leave, or nobody knows whether it arrived."""
        self._failed += 1
        self._tell(what)

    def refused(self, thread: Thread, what: str) -> None:
        """The platform said no."""
        self._refused.add(thread)
        self._tell(what)

    def _tell(self, what: str) -> None:
        count = self._failed + len(self._refused)
        if count >= IN_A_ROW:
            self._told(
                Trouble(f"none of the last {count} messages is known to have arrived; the last {what}")
            )
