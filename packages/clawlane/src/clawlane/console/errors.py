"""What operations raise, as lines of a page."""

from __future__ import annotations

from clawlane.config.errors import ConfigError
from clawlane.ops.asking import OURS
from clawlane.texts import t, told


def lines_of(error: Exception) -> tuple[list[str], str]:
    """What an error says, in lines, and the command that helps; of one that is not ours only its kind."""
    if isinstance(error, ConfigError):
        return [str(one) for one in error.problems], ""
    if isinstance(error, OURS):
        return [told(error)], t(getattr(error, "help", ""))
    return [t("The console failed ({error}).", error=type(error).__name__)], ""
