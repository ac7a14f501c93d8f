"""A terminal of a given size with a command in it: what its screen shows, and keys that are pressed."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pexpect
import pyte

from demo.stage import PATIENCE, Missing

ENTER, TAB, UP, DOWN, ESCAPE, CTRL_C = "\r", "\t", "\x1b[A", "\x1b[B", "\x1b", "\x03"
BACKSPACE = "\x7f"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
_PIECE = 1 << 16
_BLINK = 0.1


class _Screen(pyte.Screen):
    """A screen that answers where its cursor is, as programs with arrow keys ask."""

    child: pexpect.spawn[bytes]

    def write_process_input(self, data: str) -> None:
        self.child.send(data)


class Terminal:
    """The screen is read while something is waited for. `raw` is everything that was printed."""

    def __init__(self, child: pexpect.spawn[bytes], columns: int, rows: int) -> None:
        self._child = child
        self._screen = _Screen(columns, rows)
        self._screen.child = child
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    @property
    def lines(self) -> list[str]:
        """What the screen shows now, a line each."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def printed(self) -> list[str]:
        """The lines as they were printed, before the screen could break long ones."""
        return _ESCAPE.sub("", self.raw.decode(errors="replace")).splitlines()

    def shows(self, *texts: str, within: float = PATIENCE) -> None:
        """Wait until all texts are on the screen; how lines are broken does not count. Raises `Missing`."""
        never = f"the screen never showed {texts}"
        self._until(lambda: all(text in self._words for text in texts), never, within)

    def press(self, *keys: str) -> None:
        """Press keys, or type text."""
        for key in keys:
            self._child.send(key)

    def answer(self, question: str, *keys: str) -> None:
        """Press keys once a question is there."""
        self.shows(question)
        self.press(*keys)

    def ended(self) -> int:
        """The exit code, once the command has ended."""
        self._until(lambda: self._child.flag_eof, "the command did not end")
        code = self._child.wait()
        assert code is not None, "the command was killed"
        return int(code)

    @property
    def _words(self) -> str:
        return " ".join(" ".join(self.lines).split())

    def _until(self, true: Callable[[], bool], otherwise: str, within: float = PATIENCE) -> None:
        end = time.monotonic() + within
        while not true():
            if time.monotonic() > end:
                raise Missing("\n".join([otherwise, *self.lines]))
            self._read()

    def _read(self) -> None:
        try:
            piece = self._child.read_nonblocking(_PIECE, _BLINK)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            return
        self.raw += piece
        self._stream.feed(piece)


def hear_ctrl_c() -> None:
    """For a child of tests that run in the background: there SIGINT is ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def terminal(
    command: Sequence[str], env: Mapping[str, str], columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """A command in a terminal of its own; it is ended when this is left."""
    program, *words = command
    ours = {"TERM": "xterm-256color", **env, "COLUMNS": "", "LINES": ""}
    child: pexpect.spawn[bytes] = pexpect.spawn(
        program,
        words,
        env=ours,
        dimensions=(rows, columns),
        timeout=PATIENCE,
        cwd=os.getcwd(),
        preexec_fn=hear_ctrl_c,
    )
    try:
        yield Terminal(child, columns, rows)
    finally:
        child.close(force=True)
