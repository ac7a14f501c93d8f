"""What can go wrong with a rehearsal.

RehearsalError
└── ScenarioError   a scenario file has mistakes; each is named with its line
"""

from __future__ import annotations

from collections.abc import Sequence


class RehearsalError(Exception):
    """A rehearsal cannot go on. The text is one line, `help` what would help."""

    def __init__(self, text: str, help: str = "") -> None:
        super().__init__(text)
        self.help = help


class ScenarioError(RehearsalError):
    """The mistakes of one scenario file, in its order."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
