"""`openclaw …` that is killed (SIGKILL) at one of its commits: `python killed_at_commit.py NUMBER WORDS…`.

Each commit, rewrite and checkpoint of a database counts twice: before it, and after it. Without being
killed it prints how many there were, as the last line on stderr.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from typing import Any

_STEPS = ("COMMIT", "VACUUM", "PRAGMA wal_checkpoint")
_steps, _last = 0, int(sys.argv[1])


def _step() -> None:
    global _steps
    _steps += 1
    if _steps == _last:
        os.kill(os.getpid(), signal.SIGKILL)


_connect = sqlite3.connect


def _counting(*args: Any, factory: type[sqlite3.Connection] = sqlite3.Connection, **more: Any) -> Any:
    """A connection of the kind that is asked for, which counts."""

    class Counted(factory):  # type: ignore[valid-type, misc]
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            counts = sql.startswith(_STEPS)
            if counts:
                _step()
            cursor: sqlite3.Cursor = super().execute(sql, *values)
            if counts:
                _step()
            return cursor

    return _connect(*args, factory=Counted, **more)


def main() -> int:
    sqlite3.connect = _counting  # type: ignore[assignment]
    from clawlane.cli.main import run

    code = run(sys.argv[2:], "openclaw")
    print(_steps, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
