"""Counts what became of every recorded case, so that the end of a test run can say it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a case."""

    HELD = "held"
    DIFFERS = "differs by decision"
    QUIRK = "quirk of the reference"
    OUT_OF_SCOPE = "out of scope"
    FAILED = "FAILED"


@dataclass(slots=True)
class Tally:
    """Outcomes by family."""

    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)

    def count(self, family: str, outcome: Outcome, number: int = 1) -> None:
        """Note one more case (or several) of a family."""
        self.counts.setdefault(family, Counter())[outcome] += number

    def lines(self) -> list[str]:
        """One line a family: how many cases there were and what became of them."""
        return [self._line(family, counter) for family, counter in sorted(self.counts.items())]

    def _line(self, family: str, counter: Counter[Outcome]) -> str:
        parts = ", ".join(f"{counter[outcome]} {outcome}" for outcome in Outcome if counter[outcome])
        return f"{family}: {counter.total()} cases: {parts}"
