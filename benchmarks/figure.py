"""What a benchmark measured, beside its aim and its limit, and the run that prints them.

A missed aim is only shown. A figure beyond its limit, or a part that breaks, makes the run fail with exit
code 1, but only after everything has been measured.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a figure compares. The values are what the table shows."""

    HELD = "held"
    MISSED = "missed"
    FAILED = "FAILED"
    NO_AIM = ""


class Skipped(Exception):
    """A part that cannot run on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `at_least` means that more is better; otherwise aim and limit are maxima."""

    name: str
    value: float
    unit: str
    note: str = ""
    aim: float | None = None
    limit: float | None = None
    at_least: bool = False

    @property
    def state(self) -> State:
        """Whether the value keeps to the limit and to the aim."""
        if self.limit is not None and self._worse_than(self.limit):
            return State.FAILED
        if self.aim is not None and self._worse_than(self.aim):
            return State.MISSED
        return State.NO_AIM if self.aim is None and self.limit is None else State.HELD

    def __str__(self) -> str:
        """One row of the table."""
        wanted = [f"{what} {bound:g}" for what, bound in (("aim", self.aim), ("limit", self.limit)) if bound]
        measured = f"{self.value:.4g} {self.unit}"
        return _row(self.name, measured, ", ".join(wanted), self.state, self.note)

    def _worse_than(self, bound: float) -> bool:
        return self.value < bound if self.at_least else self.value > bound


Part = Callable[[], Iterable[Figure]]


def measure(parts: Mapping[str, Part]) -> int:
    """Run every part and print its figures as they come, then all of them as a table. Returns the exit code.

    A part that raises does not stop the others. It counts as failed, unless it was skipped.
    """
    rows: list[str] = []
    failed: list[str] = []

    def show(row: str) -> None:
        rows.append(row)
        print(row, flush=True)

    for name, part in parts.items():
        try:
            for figure in part():
                show(str(figure))
                if figure.state is State.FAILED:
                    failed.append(figure.name)
        except Skipped as reason:
            show(_row(name, "", "", "skipped", str(reason)))
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            show(_row(name, "", "", State.FAILED, f"{type(error).__name__}: {error}"))
            failed.append(name)
    print(_table(rows))
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nnothing failed")
    return 1 if failed else 0


def _table(rows: Sequence[str]) -> str:
    heading = _row("figure", "measured", "bounds", "state", "details")
    return "\n".join(["", heading, "-" * len(heading), *rows])


def _row(name: str, measured: str, bounds: str, state: str, note: str) -> str:
    return f"{name:<48}{measured:>16}  {bounds:<22}{state:<8} {note}".rstrip()
