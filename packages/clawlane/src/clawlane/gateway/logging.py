"""The gateway's log: lines for people on stderr, JSON in a private file, secrets in neither."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

from pythonjsonlogger.json import JsonFormatter

from clawlane.config.choices import LogLevel
from clawlane.credentials.files import make_private_dir
from clawlane.gateway.log_level import LEVEL
from clawlane.gateway.redaction import capped, redact

_TOLD_ELSEWHERE = "psycopg.pool"
"""It warns of each attempt to connect, over two lines. Whoever waits for a connection is told, and tells."""

_MAX_BYTES = 10 * 1024 * 1024
_KEPT = 3


class RedactingFilter(logging.Filter):
    """Takes secrets out of a record, its traceback included, before any handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(capped(record.getMessage())), ()
        if record.exc_info:
            record.exc_text = redact(capped(logging.Formatter().formatException(record.exc_info)))
            record.exc_info = None
        return True


class _Redacted(logging.Handler):
    """Passes each record on to all handlers, redacted once."""

    def __init__(self, handlers: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._handlers = handlers
        self.addFilter(LEVEL)
        self.addFilter(RedactingFilter())

    def emit(self, record: logging.LogRecord) -> None:
        for handler in self._handlers:
            handler.handle(record)

    def close(self) -> None:
        for handler in self._handlers:
            handler.close()
        super().close()


class _PrivateFile(RotatingFileHandler):
    """Formats each record once and counts the bytes, where its base class formats twice and asks the disk."""

    _size = 0

    def _open(self) -> TextIOWrapper:
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags | os.O_NOFOLLOW, 0o600)

        opened = open(self.baseFilename, self.mode, encoding="utf-8", opener=opener)  # noqa: SIM115
        self._size = os.fstat(opened.fileno()).st_size
        return cast("TextIOWrapper", opened)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
            size = len(line.encode("utf-8", "replace"))
            if self._size and self._size + size >= self.maxBytes:
                self.doRollover()
            if self.stream is None:
                self.stream = self._open()
            self._size += size
            self.stream.write(line)
            self.flush()
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out. On a full disk its traceback would bury what is said on stderr."""


@contextmanager
def logging_to(folder: Path, level: LogLevel = LogLevel.INFO) -> Iterator[Path]:
    """Log to `gateway.log` in a folder, and to stderr, while entered. Gives the file."""
    make_private_dir(folder)
    path = folder / "gateway.log"
    handler = _Redacted([_for_people(), _for_programs(path)])
    root = logging.getLogger()
    before = root.level
    logging.getLogger(_TOLD_ELSEWHERE).setLevel(logging.ERROR)
    LEVEL.set(level)
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def _for_people() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    return handler


class _Dated(JsonFormatter):
    """Writes the time as ISO 8601 with the offset of this machine's zone: `2026-03-02T09:15:00.123+07:00`."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        return datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")


def _for_programs(path: Path) -> logging.Handler:
    handler = _PrivateFile(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(
        _Dated(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
    )
    return handler
