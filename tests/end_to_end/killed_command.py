"""`openclaw …` that is killed (SIGKILL) at one of its steps: `python killed_command.py STEP FOLDER WORDS…`.

A step is whatever changes a file in the folder or opens a database there. Without being killed it prints how
many there were, as the last line on stderr.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_CHANGES = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "shutil.rmtree",
    "sqlite3.connect",
    "os.truncate",
)


class Killer:
    """Counts the steps, and ends the process at one of them."""

    def __init__(self, step: int, folder: str) -> None:
        self.left = step
        self.steps = 0
        self._folder = folder

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._is_step(event, args):
            return
        self.steps += 1
        if self.steps == self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_step(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            path, _, flags = args
            changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        else:
            path, changes = (args[0] if args else None), event in _CHANGES
        return bool(changes) and isinstance(path, str | os.PathLike) and self._folder in os.fspath(path)


def main() -> int:
    killer = Killer(int(sys.argv[1]), sys.argv[2])
    from clawlane.cli.main import run

    sys.addaudithook(killer)
    code = run(sys.argv[3:], "openclaw")
    print(killer.steps, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
