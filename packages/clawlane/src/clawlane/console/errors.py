"""What can go wrong: a console that cannot be served, and what operations raise."""

from __future__ import annotations

from clawlane.config.errors import ConfigError
from clawlane.ops.asking import OURS
from clawlane.texts import t, told


class ConsoleUnusable(Exception):
    """The console cannot listen. `sentence` says why, in one line made by `later`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def lines_of(error: Exception) -> tuple[list[str], str]:
    """What an error says, in lines, and the command that helps; of one that is not ours only its kind."""
    if isinstance(error, ConfigError):
        return [str(one) for one in error.problems], ""
    if isinstance(error, OURS):
        return [told(error)], t(getattr(error, "help", ""))
    return [t("The console failed ({error}).", error=type(error).__name__)], ""
