"""A command as a person at a terminal meets it."""

from __future__ import annotations

import os
import pty
import select
import sys
from pathlib import Path

from end_to_end.forks import warm

OPENCLAW = Path(sys.executable).parent / "openclaw"


class Terminal:
    """A command on a terminal of its own, typed at like a person would."""

    def __init__(self, *args: str) -> None:
        ours, theirs = pty.openpty()
        self.process = warm.start(
            [OPENCLAW, *args], new_modules=True, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self._ours, self.seen = ours, ""

    def until(self, text: str) -> None:
        while text not in self.seen:
            assert select.select([self._ours], [], [], 30)[0], self.seen
            self.seen += os.read(self._ours, 4096).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def finish(self) -> int:
        try:
            while chunk := os.read(self._ours, 4096):
                self.seen += chunk.decode(errors="replace")
        except OSError:
            pass  # the other side of a terminal that closes is an error on Linux
        os.close(self._ours)
        return self.process.wait()
