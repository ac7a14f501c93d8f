"""What is logged: from the level of the config on, and all lines of the accounts that are looked at."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from clawlane.config.choices import LogLevel

_LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARN: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}


class _Level(logging.Filter):
    """The level of the process. Lines below it pass where they begin with an account that is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._usual = logging.INFO
        self._debugged: Counter[str] = Counter()

    def set(self, level: LogLevel) -> None:
        """From now on log what is as important as this, or more."""
        self._usual = _LEVELS[level]
        self._apply()

    @contextmanager
    def debugging(self, account: str) -> Iterator[None]:
        """Log everything of an account (`channel/id`) while entered."""
        self._debugged[account] += 1
        self._apply()
        try:
            yield
        finally:
            self._debugged -= Counter({account: 1})
            self._apply()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= self._usual:
            return True
        account, colon, _ = record.getMessage().partition(":")
        return bool(colon) and account in self._debugged

    def _apply(self) -> None:
        logging.getLogger().setLevel(logging.DEBUG if self._debugged else self._usual)


LEVEL = _Level()
