"""`clock_gateway.py`, killed (SIGKILL) around a commit that changes one of the tables KILL_TABLES.

Each such commit is two steps: `before INSERT deliveries, DELETE alerts`, and `after` it. KILL_AT says at
which step, if any. The file KILL_LOG gets a line for each one that was reached.
"""

from __future__ import annotations

import os
import runpy
import signal
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CHANGES = ("INSERT", "UPDATE", "DELETE")
_last, _log = os.environ["KILL_AT"], Path(os.environ["KILL_LOG"])
_tables = os.environ["KILL_TABLES"].split()


def _step(when: str, changes: Iterable[str]) -> None:
    step = f"{when} {', '.join(changes)}"
    with _log.open("a") as log:
        log.write(f"{step}\n")
    if step == _last:
        os.kill(os.getpid(), signal.SIGKILL)


_connect = sqlite3.connect


def _naming(*args: Any, factory: type[sqlite3.Connection] = sqlite3.Connection, **more: Any) -> Any:
    """A connection of the kind that is asked for, which names its commits."""

    class Named(factory):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.changes: dict[str, None] = {}

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql.startswith("BEGIN"):
                self.changes = {}
            changes = self.changes if sql.startswith("COMMIT") else {}
            if changes:
                _step("before", changes)
            cursor: sqlite3.Cursor = super().execute(sql, *values)
            if changes:
                _step("after", changes)
            self._note(sql, cursor)
            return cursor

        def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
            cursor: sqlite3.Cursor = super().executemany(sql, *values)
            self._note(sql, cursor)
            return cursor

        def _note(self, sql: str, cursor: sqlite3.Cursor) -> None:
            if sql.startswith(_CHANGES) and cursor.rowcount > 0:
                words = sql.split()
                table = words[1 if words[0] == "UPDATE" else 2]
                if table in _tables:
                    self.changes[f"{words[0]} {table}"] = None

    return _connect(*args, factory=Named, **more)


sqlite3.connect = _naming  # type: ignore[assignment]
runpy.run_path(str(Path(__file__).with_name("clock_gateway.py")), run_name="__main__")
