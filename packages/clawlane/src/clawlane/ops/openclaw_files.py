"""Reads the state folder of OpenClaw: never writes there, and takes nothing in it for granted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from clawlane.config.regular_file import read_regular
from clawlane.ops.operation import OpError
from clawlane.texts import later

LONGEST = 4 << 20
"""Bytes of one file with JSON."""

_LONGEST_STORE = 512 << 20
_STORE = Path("state", "openclaw.sqlite")
_STEPS = 50_000_000
"""Instructions of SQLite's machine that one question may take: a prepared file could take for ever."""

_AGAIN = 3
_STOP = later("stop OpenClaw, or check the file, and try again")
_OUTSIDE = later("leads out of that folder")


@dataclass(frozen=True)
class Home:
    """A state folder of OpenClaw, such as `~/.openclaw`. Everything raises `OpError` for what is odd."""

    root: Path

    @classmethod
    def at(cls, written: str) -> Home:
        path = Path(written).expanduser()
        try:
            root = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise OpError(
                later("there is no folder {folder}", folder=written),
                later("name the state folder of OpenClaw"),
            ) from None
        if not root.is_dir():
            raise OpError(
                later("{folder} is not a folder", folder=written),
                later("a config alone: openclaw config import FILE"),
            )
        found = cls(root)
        if not any(os.path.lexists(root / name) for name in ("openclaw.json", "credentials", _STORE)):
            raise OpError(
                later(
                    "{folder} is no state folder of OpenClaw: it has no openclaw.json, no credentials and no"
                    " state/openclaw.sqlite",
                    folder=written,
                )
            )
        return found

    def place(self, *names: str) -> Path | None:
        """A regular file of the folder; None if it is not there."""
        path = self.root.joinpath(*names)
        if not os.path.lexists(path):
            return None
        try:
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise odd(path, later("is a link that leads nowhere")) from None
        if not resolved.is_relative_to(self.root):
            raise odd(path, _OUTSIDE)
        if not resolved.is_file():
            raise odd(path, later("is not a regular file"))
        return path

    def read(self, *names: str) -> bytes | None:
        """The content of a file; None if it is not there."""
        if (path := self.place(*names)) is None:
            return None
        try:
            raw = read_regular(path, LONGEST)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", error)
            raise odd(path, later("cannot be read ({reason})", reason=why)) from None
        if len(raw) > LONGEST:
            raise odd(path, later("is larger than {size} MB", size=LONGEST >> 20))
        return raw

    def json(self, *names: str) -> Any:
        """What a file of JSON says; None if it is not there."""
        raw = self.read(*names)
        return None if raw is None else decoded(raw, str(self.root.joinpath(*names)))

    def rows(self, table: str, wanted: Sequence[str], where: str = "", *values: str) -> list[sqlite3.Row]:
        """The rows of a table of OpenClaw's store; none without the store or the table.

        `wanted` are the columns that the table must have.
        """
        return self._store.rows(table, wanted, where, values) if self._store else []

    @cached_property
    def _store(self) -> _Copy | None:
        return None if (path := self.place(*_STORE.parts)) is None else _Copy(path)

    def names(self, folder: str) -> list[str]:
        """The names in a folder, in order; none without it."""
        path = self.root / folder
        if not path.is_dir():
            return []
        if not path.resolve().is_relative_to(self.root):
            raise odd(path, _OUTSIDE)
        return sorted(os.listdir(path))


def odd(place: object, what: str) -> OpError:
    """The error that ends an import: what is wrong at a place, a sentence without its subject."""
    return OpError(later("{place} {what}; nothing was imported", place=place, what=what))


def decoded(raw: bytes | str, what: str) -> Any:
    """JSON as its value. Raises `OpError` for broken, endless or ambiguous JSON."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError:
        reason = later("it is not UTF-8 text")
    except RecursionError:
        reason = later("it is nested too deeply")
    except json.JSONDecodeError as error:
        reason = later("line {line} is broken", line=error.lineno)
    except _Ambiguous as error:
        reason = error.args[0]
    except ValueError:  # Python's limit
        reason = later("a number in it has too many digits")
    raise OpError(
        later(
            "{place} is no JSON that can be used: {reason}; nothing was imported", place=what, reason=reason
        )
    )


class _Ambiguous(ValueError):
    """JSON that programs read differently."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Ambiguous(later("a key stands in it twice"))
    return found


def _constant(name: str) -> None:
    raise _Ambiguous(later("{name} is no number", name=name))


class _Copy:
    """A private copy of an SQLite file and its log: to open the file itself could change the folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, table: str, wanted: Sequence[str], where: str, values: Sequence[str]) -> list[sqlite3.Row]:
        try:
            with self._opened() as db:
                columns = {
                    row["name"] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))
                }
                if not columns:
                    return []
                if missing := [name for name in wanted if name not in columns]:
                    unknown = later(
                        "{file}: the table {table} has no column {column}, so its form is not known here;"
                        " nothing was imported",
                        file=self._path,
                        table=table,
                        column=missing[0],
                    )
                    raise OpError(unknown)
                question = f"SELECT * FROM {table}" + (f" WHERE {where}" if where else "") + " LIMIT 100001"  # noqa: S608
                return db.execute(question, values).fetchall()
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise OpError(
                later("{file} cannot be read as an SQLite file ({reason})", file=self._path, reason=error),
                _STOP,
            ) from None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        folder = Path(tempfile.mkdtemp(prefix="clawlane-import-"))
        try:
            copy = self._copied(folder)
            with closing(sqlite3.connect(copy)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("PRAGMA trusted_schema = OFF")
                db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                shutil.rmtree(folder)  # it is open: sessions are in it, and nobody else needs its name
                db.set_progress_handler(lambda: 1, _STEPS)
                yield db
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copied(self, folder: Path) -> Path:
        copy = folder / self._path.name
        log = self._path.with_name(f"{self._path.name}-wal")
        files = {self._path: copy, log: folder / log.name}
        for _ in range(_AGAIN):
            before = [_state(file) for file in files]
            if sum(size for size, _ in before) > _LONGEST_STORE:
                raise odd(self._path, later("is larger than {size} MB", size=_LONGEST_STORE >> 20))
            for file, to in files.items():
                if file.is_file() and not file.is_symlink():
                    shutil.copyfile(file, to)
            if before == [_state(file) for file in files]:
                return copy
        raise OpError(
            later("{file} changes all the time", file=self._path), later("stop OpenClaw, and try again")
        )


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
