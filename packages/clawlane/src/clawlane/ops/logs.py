"""The gateway's log files, read back: the newest lines, and those that come.

The files hold JSON, one record a line. They never hold what people write.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""From the mildest to the worst."""

_OLDER = 3
"""How many full files the gateway keeps beside the one it writes."""

_LONGEST = 1 << 20
_POLL = 0.2
_ACCOUNT = re.compile(r"([a-z0-9][a-z0-9-]*/[^\s:]+?):? (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record. `account` (`channel/id`) is empty for what is about none; `trace` is that of an error.

    `time` is ISO 8601 with an offset: `2026-03-02T09:15:00.123+07:00`. `text` is `message`, the whole
    sentence, without the account that it begins with.
    """

    time: str
    level: str
    account: str
    text: str
    logger: str
    message: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are wanted: of a channel, an account of it (an id), and at least of a level."""

    channel: str = ""
    account: str = ""
    level: str = "DEBUG"

    def takes(self, line: LogLine) -> bool:
        channel, _, account = line.account.partition("/")
        named = self.channel in ("", channel) and self.account in ("", account, line.account)
        return named and _rank(line.level) >= _rank(self.level)


def newest(folder: Path, wanted: LogFilter, count: int) -> list[LogLine]:
    """The last lines, the oldest first; without logs none."""
    found: list[LogLine] = []
    for file in (folder / _name(age) for age in range(_OLDER + 1)):
        try:
            lines = file.read_bytes().splitlines()
        except FileNotFoundError:
            continue
        for raw in reversed(lines):
            if len(found) >= count:
                return found[::-1]
            line = read_line(raw)
            if line is not None and wanted.takes(line):
                found.append(line)
    return found[::-1]


def follow(
    folder: Path, wanted: LogFilter, sleep: Callable[[float], None] = time.sleep
) -> Iterator[LogLine | None]:
    """The lines that come from now on, over rotations, also before there is a file. None for a pause."""
    reader, rest = _opened(folder / _name(0)), b""
    if reader is not None:
        reader.seek(0, os.SEEK_END)
    try:
        while True:
            reader = reader or _opened(folder / _name(0))
            later = _after(folder, reader) if reader is not None else None
            piece = reader.read(_LONGEST) if reader is not None else b""  # after `later`: nothing is missed
            if piece:
                *lines, rest = (rest + piece).split(b"\n")
                found = (read_line(raw) for raw in lines)
                yield from (line for line in found if line is not None and wanted.takes(line))
                if later is not None:
                    later.close()
            elif reader is not None and later is not None:
                reader.close()
                reader, rest = later, b""
            else:
                yield None
                sleep(_POLL)
    finally:
        if reader is not None:
            reader.close()


def read_line(raw: bytes) -> LogLine | None:
    """A record from its line; None for what is none, such as a line cut off on a full disk."""
    try:
        told = json.loads(raw[:_LONGEST])
        message, trace = str(told["message"]), str(told.get("exc_info") or "")
        # Older versions wrote a comma, and no offset: they meant this machine's zone.
        written = datetime.fromisoformat(str(told["time"]).replace(",", ".")).astimezone()
        level, logger = str(told["level"]), str(told["logger"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    of_account = _ACCOUNT.fullmatch(message)
    account, text = of_account.groups() if of_account else ("", message)
    return LogLine(written.isoformat(timespec="milliseconds"), level, account, text, logger, message, trace)


def _after(folder: Path, reader: BufferedReader) -> BufferedReader | None:
    """The file that was begun after the one that is read, if that was full. None while it is the newest."""
    inode = os.fstat(reader.fileno()).st_ino
    for age in range(_OLDER + 1):
        try:
            same = (folder / _name(age)).stat().st_ino == inode
        except FileNotFoundError:
            continue
        if same:
            return _opened(folder / _name(age - 1)) if age else None
    return _opened(folder / _name(_OLDER)) or _opened(folder / _name(0))


def _opened(file: Path) -> BufferedReader | None:
    try:
        return file.open("rb")
    except FileNotFoundError:
        return None


def _name(age: int) -> str:
    return f"gateway.log.{age}" if age else "gateway.log"


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)
