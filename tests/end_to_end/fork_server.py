"""What the tests' processes are forked from: `python -m end_to_end.fork_server SOCKET`. See `forks.py`."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, Self

_COMMANDS = (
    "login",
    "status",
    "pairing",
    "message",
    "why",
    "config",
    "pause",
    "gateway",
    "outbox",
    "drafts",
)
_LEARNT = ("clawlane", "clawlane_zalouser", "mcp", "openai", "psycopg", "psycopg_pool", "pydantic_ai")
"""What is imported here, too, once a fork had to: most need none of it, and it takes seconds."""


def main(path: str) -> None:
    """Import, listen, and fork for whoever asks, until SIGTERM."""
    import clawlane_zalouser.channel  # noqa: F401
    import demo.record_gateway  # noqa: F401 (what it imports)
    from clawlane.store.sqlite.connection import connect_nothing

    for name in _COMMANDS:
        importlib.import_module(f"clawlane.cli.{name}")
    connect_nothing().close()  # new stores are copies of what this makes
    _share()
    with Server(path) as server:
        print("ready", flush=True)
        while True:
            server.serve()


def _share() -> None:
    """Leave what was imported alone: what is collected is written to, and so not shared with forks."""
    gc.freeze()


class Server:
    """A socket on which forks are asked for, and those that run."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(path)
        self._listening.listen(64)
        self._waking, self._woken = socket.socketpair()
        self._learning, self._teaching = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._lines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        for end in (self._waking, self._woken, self._teaching):
            end.setblocking(False)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._waking, selectors.EVENT_READ)
        self._selector.register(self._learning, selectors.EVENT_READ)
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def _close(self) -> None:
        self._selector.close()
        ends = (self._waking, self._woken, self._learning, self._teaching)
        for one in (self._listening, *ends, *self._lines.values()):
            one.close()

    def serve(self) -> None:
        """Wait for something, and do it."""
        for key, _ in self._selector.select():
            if key.fileobj is self._waking:
                self._waking.recv(4096)
            elif key.fileobj is self._listening:
                self._fork(*self._listening.accept())
            elif key.fileobj is self._learning:
                self._learn(self._learning.recv(4096).decode())
            else:
                self._left(key.data)
        self._reap()

    def _fork(self, line: socket.socket, _address: object) -> None:
        size, files, _, _ = socket.recv_fds(line, 4, 3)
        asked = json.loads(_whole(line, int.from_bytes(size, "big")))
        pid = os.fork()
        if pid == 0:
            line.close()
            sys.meta_path.insert(0, Teacher(self._teaching.dup()))
            self._close()
            _become(asked, files)
        for file in files:
            os.close(file)
        line.sendall(pid.to_bytes(4, "big"))
        self._lines[pid] = line
        if asked.get("bound"):
            self._selector.register(line, selectors.EVENT_READ, pid)

    def _learn(self, name: str) -> None:
        if name not in sys.modules:
            with suppress(ImportError):  # a library that is not installed, or a plugin that only a test has
                importlib.import_module(name)
            _share()

    def _left(self, pid: int) -> None:
        """Whoever asked for it has ended, and so does the fork."""
        if line := self._lines.pop(pid, None):
            self._selector.unregister(line)
            line.close()
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if line := self._lines.pop(pid, None):
                with suppress(KeyError):
                    self._selector.unregister(line)
                with suppress(OSError):  # nobody waits for it any more
                    line.sendall(str(os.waitstatus_to_exitcode(status)).encode())
                line.close()


class Teacher:
    """In a fork: tells the server what is imported there, so that the next one finds it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def find_spec(self, name: str, *_more: object) -> None:
        """Finds nothing: others do."""
        if name.partition(".")[0] in _LEARNT:
            with suppress(OSError):  # it has enough to learn, or has ended
                self._line.send(name.encode())


def _whole(line: socket.socket, size: int) -> bytes:
    told = bytearray()
    while len(told) < size:
        told += line.recv(size - len(told))
    return bytes(told)


def _become(asked: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    """In the fork: take the files, the environment and the folder, and run the program to its end."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for to, file in enumerate(files):
            os.dup2(file, to)
        for file in files:
            if file > 2:
                os.close(file)
        os.environ.clear()
        os.environ.update(asked["env"])
        for name in {"COLUMNS", "LINES"} - os.environ.keys():
            os.unsetenv(name)  # the readline library sets them where Python does not see it
        at_once = "PYTHONUNBUFFERED" in os.environ
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
        sys.stdin = io.TextIOWrapper(io.FileIO(0, "rb", closefd=False), encoding="utf-8")
        sys.stdout = _text(1, os.isatty(1), at_once)
        sys.stderr = _text(2, True, at_once)
        sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        time.tzset()
        os.chdir(asked["cwd"])
        code = _run(*asked["program"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _text(file: int, by_line: bool, at_once: bool) -> io.TextIOWrapper:
    """Where a program prints, as Python itself opens it."""
    raw = io.FileIO(file, "wb", closefd=False)
    written: Any = raw if at_once else io.BufferedWriter(raw)
    how = {"line_buffering": by_line, "write_through": at_once}
    return io.TextIOWrapper(written, encoding="utf-8", errors="surrogateescape", **how)


def _run(name: str, *words: str) -> int:
    sys.argv = [name, *words]
    if name.endswith(".py"):
        sys.orig_argv = [sys.executable, *sys.argv]
        runpy.run_path(name, run_name="__main__")
        return 0
    if name.endswith("/openclaw"):
        sys.orig_argv = [sys.executable, *sys.argv]
        from clawlane.cli.main import main as openclaw

        openclaw()
        return 0
    sys.orig_argv = [sys.executable, "-m", name, *words]
    del sys.modules[name]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    main(sys.argv[1])
