"""Numbers that a transaction gives out, with as few questions as can be."""

from __future__ import annotations

from collections.abc import Callable

from clawlane.store.postgres.answers import Answer

_FIRST_EVENT = "UPDATE numbers SET last = last + 1 WHERE name = 'event' RETURNING last"


class Numbers:
    """Those of one transaction. `ask` lets a statement wait, and gives its answer.

    Those of events come from a row that the transaction holds until it ends: they rise in the order of
    commits. While it is held nobody else changes it, so only the first is asked for. The others come from
    sequences, and what was fetched ahead and not used is lost.
    """

    def __init__(self, ask: Callable[[str], Answer]) -> None:
        self._ask = ask
        self._ahead: dict[str, Answer] = {}
        self._event: int | None = None
        self._unwritten = 0

    def expect(self, name: str, count: int) -> None:
        """Fetch so many with the next question."""
        query = f"SELECT nextval('{name}_numbers') FROM generate_series(1, {count})"  # noqa: S608 — our own
        self._ahead[name] = self._ask(query)

    def next(self, name: str) -> int:
        """The next one of this name, over all accounts."""
        if name == "event":
            return self._next_event()
        ahead = self._ahead.get(name)
        row = (ahead and ahead.fetchone()) or self._ask(f"SELECT nextval('{name}_numbers')").fetchone()
        return int(row[0])  # type: ignore[index]

    def _next_event(self) -> int:
        if self._event is None:
            self._event = int(self._ask(_FIRST_EVENT).fetchone()[0])  # type: ignore[index]
        else:
            self._event += 1
            self._unwritten += 1
        return self._event

    def write(self) -> None:
        """Let the row have what was given out: with the next question, and before anything may be undone."""
        if self._unwritten:
            change = f"UPDATE numbers SET last = last + {self._unwritten} WHERE name = 'event'"  # noqa: S608
            self._ask(change)
            self._unwritten = 0

    def forget(self) -> None:
        """Ask anew for whatever is wanted next: the transaction ended, or a part of it was undone."""
        self._ahead.clear()
        self._event, self._unwritten = None, 0
