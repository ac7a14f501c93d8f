"""Whether sending works: the failed sends of one account in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.texts import later

IN_A_ROW = 3
"""How many sends in a row must fail before sending counts as broken."""


@dataclass(frozen=True, slots=True)
class SendTrouble:
    """Sending does not work: why, in one sentence, and the command that shows what waits."""

    reason: str
    help: str = "openclaw outbox list"


class SendRecord:
    """The failed sends of one account since the last one that arrived. `report` is called at every change.

    Refusals in one thread count once: they may be about this one person.
    """

    def __init__(self, report: Callable[[SendTrouble | None], None]) -> None:
        self._report = report
        self._failed = 0
        self._refused: set[Thread] = set()

    def arrived(self) -> None:
        """A send arrived, so sending works."""
        self._failed = 0
        self._refused.clear()
        self._report(None)

    def failed(self, what: str) -> None:
        """A send did not leave, or it is unknown whether it arrived."""
        self._failed += 1
        self._count(what)

    def refused(self, thread: Thread, what: str) -> None:
        """The platform said no."""
        self._refused.add(thread)
        self._count(what)

    def _count(self, what: str) -> None:
        count = self._failed + len(self._refused)
        if count >= IN_A_ROW:
            none = later("none of the last {n} messages is known to have arrived; the last {what}")
            self._report(SendTrouble(later(none, n=count, what=what)))
