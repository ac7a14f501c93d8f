"""One thing that is wrong with the set-up, as a value: for `doctor`, `status` and the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from clawlane.access.decision import Rule
from clawlane.config.problems import Problem


class Severity(StrEnum):
    """How bad a finding is, the worst first. The first two make `doctor` fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def fails(self) -> bool:
        return self in (Severity.CRITICAL, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `path` is a config path, a file or an account; `mend` is what to write or to run.

    `accounts` are those it is about, empty for what belongs to none.
    """

    severity: Severity
    code: str
    path: str
    text: str
    mend: str = ""
    line: int | None = None
    accounts: tuple[str, ...] = ()

    @classmethod
    def at(
        cls, rule: Rule, severity: Severity, code: str, text: str, mend: str = "", account: str = ""
    ) -> Finding:
        """About a line of the config that decides something for an account."""
        return cls(severity, code, rule.path, text, mend, rule.line, (account,) if account else ())

    @classmethod
    def of_problem(cls, problem: Problem, severity: Severity) -> Finding:
        """From what the loader says about the config file."""
        path, line = (problem.path, problem.line) if problem.path else (problem.where, None)
        return cls(severity, problem.code, path, problem.message, problem.hint, line)

    @property
    def place(self) -> str:
        """The path with its line, for people."""
        return self.path if self.line is None else f"{self.path} (line {self.line})"

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" + (f"; {self.mend}" if self.mend else "")


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Each thing once, the worst first: what is true of several accounts names them all."""
    kept: dict[Finding, tuple[str, ...]] = {}
    for one in found:
        bare = replace(one, accounts=())
        kept[bare] = tuple(dict.fromkeys((*kept.get(bare, ()), *one.accounts)))
    order = list(Severity)
    named = [replace(one, accounts=accounts) for one, accounts in kept.items()]
    return sorted(named, key=lambda one: order.index(one.severity))
