"""A terminal of a given size around one command: what stands on its screen, and keys to press."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pexpect
import pyte

from demo.stage import PATIENCE, Missing, Operator

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
ENTER, UP, DOWN, SPACE, TAB, CTRL_C, CTRL_D = "\r", "\x1b[A", "\x1b[B", " ", "\t", "\x03", "\x04"


class Terminal:
    """One command in a pseudo-terminal that draws what a person would see."""

    def __init__(self, command: Sequence[str], env: dict[str, str], columns: int, rows: int) -> None:
        size = {"COLUMNS": str(columns), "LINES": str(rows)}
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**env, "TERM": "xterm-256color", **size},
            dimensions=(rows, columns),
            timeout=PATIENCE,
        )
        self._screen = pyte.HistoryScreen(columns, rows, history=2000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """Everything that was printed, with its escape sequences."""

    @property
    def screen(self) -> list[str]:
        """The lines that stand on the screen, without blanks at their ends."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """Everything that was printed so far as a person could scroll through it."""
        gone = ("".join(line[at].data for at in sorted(line)).rstrip() for line in self._screen.history.top)
        return "\n".join([*gone, *self.screen])

    @property
    def printed(self) -> list[str]:
        """The lines as they were printed, before the terminal could break long ones."""
        return _ESCAPE.sub("", self.raw.decode(errors="replace")).splitlines()

    def shows(self, words: str, within: float = PATIENCE) -> str:
        """Everything printed, once these words are in it. Raises `Missing`."""
        give_up = time.monotonic() + within
        while words not in self.text:
            if not self._take(give_up):
                raise Missing(f"{words!r} never stood in the terminal:\n{self.text}")
        return self.text

    def asks(self, words: str, within: float = PATIENCE) -> list[str]:
        """The screen, once these words stand on it now. Raises `Missing`."""
        give_up = time.monotonic() + within
        while not any(words in line for line in self.screen):
            if not self._take(give_up):
                raise Missing(f"{words!r} never stood on the screen:\n" + "\n".join(self.screen))
        return self.screen

    def press(self, *keys: str) -> None:
        """Press keys: texts, or the constants of this module."""
        for key in keys:
            self._child.send(key)

    def ends(self) -> int:
        """The exit code, once the command has ended by itself."""
        give_up = time.monotonic() + 3 * PATIENCE
        while self._take(give_up):
            pass
        self._child.close()
        status = self._child.exitstatus
        return int(status) if status is not None else 128 + int(self._child.signalstatus or 0)

    def close(self) -> None:
        self._child.close(force=True)

    def _take(self, give_up: float) -> bool:
        """Draw what comes next. False at the end of the command, or when the time is over."""
        try:
            piece = self._child.read_nonblocking(65_536, timeout=max(0.0, give_up - time.monotonic()))
        except (pexpect.EOF, pexpect.TIMEOUT):
            return False
        self.raw += piece
        self._stream.feed(piece)
        return True


@contextmanager
def terminal(operator: Operator, *words: str, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """A command of the operator's in a terminal; it is killed when this is left."""
    made = Terminal(operator.command(*words), operator.env, columns, rows)
    try:
        yield made
    finally:
        made.close()
