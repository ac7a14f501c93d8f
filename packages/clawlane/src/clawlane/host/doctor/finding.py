"""What the check-up found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_CRITICAL = "critical: "


class Level(StrEnum):
    """How bad a finding is. The first two make `doctor` fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def fails(self) -> bool:
        return self in (Level.CRITICAL, Level.ERROR)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing. `where` is a config path with its line, or a file; `mend` is what to write or to run.

    `account` is empty for what belongs to none.
    """

    level: Level
    code: str
    where: str
    message: str
    mend: str = ""
    account: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f"; {self.mend}" if self.mend else "")

    @classmethod
    def of_line(cls, line: str, account: str) -> Finding:
        """From a line of the status: `critical: PATH …; what to write`."""
        level = Level.CRITICAL if line.startswith(_CRITICAL) else Level.WARNING
        message, _, mend = line.removeprefix(_CRITICAL).rpartition("; ")
        where, _, rest = (message or mend).partition(" ")
        return cls(level, "access", where.rstrip(":"), rest, mend if message else "", account)
