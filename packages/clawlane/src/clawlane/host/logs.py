"""The gateway's log: lines for people on stderr, JSON in a private file, secrets in neither."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

from pythonjsonlogger.json import JsonFormatter

from clawlane.store.atomic import make_private_dir

_MAX_BYTES = 10 * 1024 * 1024
_KEPT = 3
_SECRET = re.compile(
    r"""(?xi)
    (?P<name> [\w.-]* (?: cookie | token | secret | passw(?:or)?d | api[_-]?key | session[_-]?id
        | sek | enk | imei ) [\w.-]* )
    (?P<sep> \\?["']? \s* [:=] \s* \\?["']? )
    (?P<value> [^\s"',;&}\\]+ (?: ; [^\n"']* )? )
    """
)
_LONG_BLOB = re.compile(r"[A-Za-z0-9+/_=%-]{100,}")


def redact(text: str) -> str:
    """The text without what looks like a cookie, key or token."""
    return _LONG_BLOB.sub("[redacted]", _SECRET.sub(r"\g<name>\g<sep>[redacted]", text))


class RedactingFilter(logging.Filter):
    """Takes secrets out of a record, its traceback included, before any handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags | os.O_NOFOLLOW, 0o600)

        return cast("TextIOWrapper", open(self.baseFilename, self.mode, encoding="utf-8", opener=opener))

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out. On a full disk its traceback would bury what is said on stderr."""


@contextmanager
def logging_to(folder: Path) -> Iterator[Path]:
    """Log to `gateway.log` in a folder, and to stderr, while entered. Gives the file."""
    make_private_dir(folder)
    path = folder / "gateway.log"
    handlers = [_for_people(), _for_programs(path)]
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.addFilter(RedactingFilter())
        root.addHandler(handler)
    try:
        yield path
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _for_people() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    return handler


def _for_programs(path: Path) -> logging.Handler:
    handler = _PrivateFile(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
    )
    return handler
