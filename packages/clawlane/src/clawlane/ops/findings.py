"""One thing that is wrong with the setup, as data: for `doctor`, `security audit`, `status` and the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from clawlane.config.errors import Problem

if TYPE_CHECKING:
    from clawlane.access.decision import Rule
    from clawlane.channel import Account


class Severity(StrEnum):
    """How bad a finding is, the worst first. The first two make `doctor` fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def fails(self) -> bool:
        return self in (Severity.CRITICAL, Severity.ERROR)


_FIXABLE = frozenset(
    {
        "name_pinned",
        "name_waiting",
        "entry_twice",
        "permissions",
        "config_readable",
        "scratch_left",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `path` is a config path, a file or an account; `data` fills the words of its code.

    `accounts` are those it is about, empty for what belongs to none. One that is `accepted` stays: the
    operator knows of it. `finding_text` makes the words.
    """

    severity: Severity
    code: str
    path: str
    data: dict[str, str] = field(default_factory=dict)
    line: int | None = None
    accounts: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def fixable(self) -> bool:
        """Whether `doctor --fix` mends it, or may: a name can be looked up. One that nobody has is none."""
        return self.code in _FIXABLE

    @classmethod
    def at(cls, rule: Rule, severity: Severity, code: str, account: Account, **data: str) -> Finding:
        """About a line of the config that decides something for an account."""
        return cls(severity, code, rule.path, data, rule.line, (str(account),))

    @classmethod
    def of_problem(cls, problem: Problem, severity: Severity) -> Finding:
        """From what the loader says about the config file."""
        path, line = (problem.path, problem.line) if problem.path else (problem.where, None)
        return cls(severity, problem.code, path, {"text": problem.message, "mend": problem.hint}, line)


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the worst first; one of several accounts names them all."""
    kept: dict[object, Finding] = {}
    for one in found:
        key = (one.severity, one.code, one.path, one.line, *one.data.items())
        before = kept[key].accounts if key in kept else ()
        kept[key] = replace(one, accounts=tuple(dict.fromkeys((*before, *one.accounts))))
    order = list(Severity)
    return sorted(kept.values(), key=lambda one: order.index(one.severity))
