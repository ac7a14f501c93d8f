"""Programs of ours as processes that begin warm: forked from one that has imported what they need.

Half of a story's time was the start of Python, again for each command. `start` takes what `subprocess.Popen`
would, and gives a process of its own with its own environment, folder, signals and files, which can be killed
like any other. `python -m end_to_end.forks SOCKET` is what they are forked from. What asks for a fresh
interpreter (another program, a clock that is moved before anything is imported) gets one.
"""

from __future__ import annotations

import gc
import io
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, NoReturn, Self

_LONGEST = 1 << 20
_MODULES = ("demo.record_gateway",)
_SCRIPTS = tuple(str(Path(__file__).with_name(name)) for name in ("clock_gateway.py", "killed_gateway.py"))
_USUAL = frozenset(("PYTHONUTF8",))
_OPENCLAW = str(Path(sys.executable).with_name("openclaw"))


class Forked:
    """What `subprocess.Popen` is to an ordinary process, as far as the stories need it."""

    def __init__(self, line: socket.socket, args: Sequence[str], pid: int, stdout: IO[str] | None) -> None:
        self.args = args
        self.pid = pid
        self.stdout = stdout
        self.stdin = None
        self.stderr = None
        self.returncode: int | None = None
        self._line = line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait()
        if self.stdout is not None:
            self.stdout.close()

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(64)
            except (TimeoutError, BlockingIOError):
                return None
            self.returncode = int(told or b"-9")
            self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """All that it prints, once it has ended. Raises `TimeoutExpired`."""
        assert self.stdout is not None
        ends = None if timeout is None else time.monotonic() + timeout
        told = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self.stdout, selectors.EVENT_READ)
            while selector.select(None if ends is None else max(0, ends - time.monotonic())):
                if not (piece := os.read(self.stdout.fileno(), 65536)):
                    rest = None if ends is None else max(0.0, ends - time.monotonic())
                    self.wait(rest)
                    self.stdout.close()
                    return told.decode(), None
                told += piece
        raise subprocess.TimeoutExpired(list(self.args), timeout or 0, bytes(told))


class Warm:
    """The process that others are forked from. It is started when one is needed, and ended on leaving."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._path = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def start(self, args: Sequence[str], *, new_modules: bool = False, **options: Any) -> Any:
        """A process for a command line, forked if it is one of ours, else a new one.

        With `new_modules` the folders of its PYTHONPATH hold only what the warm process has not imported.
        """
        program = _program(args, options, _USUAL | {"PYTHONPATH"} if new_modules else _USUAL)
        if program is None:
            return subprocess.Popen(args, **options)
        reading, writing = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        try:
            errors = writing if options.get("stderr") == subprocess.STDOUT else 2
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.connect(self._address())
            asked = {"program": program, "env": dict(options["env"]), "cwd": os.getcwd()}
            head = json.dumps(asked).encode()
            socket.send_fds(line, [len(head).to_bytes(4, "big")], [null, writing, errors])
            line.sendall(head)
            pid = int.from_bytes(line.recv(4, socket.MSG_WAITALL), "big")
        finally:
            os.close(writing)
            os.close(null)
        return Forked(line, args, pid, open(reading, encoding="utf-8"))

    def _address(self) -> str:
        """Where it listens."""
        if not self._path:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="forks-"))
            path = os.path.join(folder, "socket")
            command = [sys.executable, "-m", "end_to_end.forks", path]
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(str, sys.path)))}
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
            self._stack.callback(process.wait)
            self._stack.callback(process.terminate)
            assert process.stdout is not None
            self._stack.enter_context(process.stdout)
            assert process.stdout.readline() == b"ready\n"
            self._path = path
        return self._path


def _program(args: Sequence[str], options: Mapping[str, Any], ours: frozenset[str]) -> list[str] | None:
    """How to run it in a fork, if only `ours` are set for Python; None where it needs its own interpreter."""
    usual = {"env", "stdin", "stdout", "stderr", "text"}
    env = options.get("env")
    if env is None or set(options) - usual or options.get("stdin") not in (None, subprocess.DEVNULL):
        return None
    if options.get("stdout") != subprocess.PIPE or not options.get("text"):
        return None
    if "SKEW_S" in env or any(name.startswith("PYTHON") for name in env.keys() - ours):
        return None  # its clock is moved, or its imports are others
    match list(args):
        case [program, *words] if program == _OPENCLAW:
            return ["openclaw", *words]
        case [python, "-m", module, *words] if python == sys.executable and module in _MODULES:
            return [module, *words]
        case [python, script] if python == sys.executable and script in _SCRIPTS:
            return [script]
    return None


def main(path: str) -> None:
    """Import, listen, and fork for whoever asks, until SIGTERM."""
    import clawlane_zalouser.channel  # noqa: F401
    import demo.record_gateway  # noqa: F401 (what it imports)
    from clawlane.store.sqlite.connection import connect_nothing

    for name in (
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
    ):
        __import__(f"clawlane.cli.{name}")
    connect_nothing().close()  # new stores are copies of what this makes
    gc.freeze()  # what is collected is written to, and what is written to is no longer shared with forks
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    waking.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening,
        selectors.DefaultSelector() as selector,
    ):
        listening.bind(path)
        listening.listen(64)
        selector.register(listening, selectors.EVENT_READ)
        selector.register(waking, selectors.EVENT_READ)
        print("ready", flush=True)
        lines: dict[int, socket.socket] = {}
        while True:
            for key, _ in selector.select():
                if key.fileobj is waking:
                    waking.recv(4096)
                    _reap(lines)
                    continue
                line, _ = listening.accept()
                size, files, _, _ = socket.recv_fds(line, 4, 3)
                asked = json.loads(_whole(line, int.from_bytes(size, "big")))
                pid = os.fork()
                if pid == 0:
                    for other in (listening, waking, woken, line, *lines.values()):
                        other.close()
                    _become(asked, files)
                for file in files:
                    os.close(file)
                line.sendall(pid.to_bytes(4, "big"))
                lines[pid] = line
                _reap(lines)


def _whole(line: socket.socket, size: int) -> bytes:
    told = bytearray()
    while len(told) < size:
        told += line.recv(size - len(told))
    return bytes(told)


def _reap(lines: dict[int, socket.socket]) -> None:
    while lines:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        if line := lines.pop(pid, None):
            with suppress(OSError):  # nobody waits for it any more
                line.sendall(str(os.waitstatus_to_exitcode(status)).encode())
            line.close()


def _become(asked: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    """In the fork: take the files, the environment and the folder, and run the program to its end."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for to, file in enumerate(files):
            os.dup2(file, to)
        for file in files:
            if file > 2:
                os.close(file)
        sys.stdin = io.TextIOWrapper(io.FileIO(0, "rb", closefd=False), encoding="utf-8")
        sys.stdout = _text(1)
        sys.stderr = _text(2, line_buffering=True)
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        time.tzset()
        os.chdir(asked["cwd"])
        code = _run(asked["program"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _text(file: int, *, line_buffering: bool = False) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(file, "wb", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", line_buffering=line_buffering)


def _run(program: Sequence[str]) -> int:
    name, *words = program
    if name == "openclaw":
        sys.argv = [_OPENCLAW, *words]
        sys.orig_argv = [sys.executable, *sys.argv]
        from clawlane.cli.main import main as openclaw

        openclaw()
        return 0
    sys.argv = [name, *words]
    if name in _SCRIPTS:
        sys.orig_argv = [sys.executable, *sys.argv]
        runpy.run_path(name, run_name="__main__")
        return 0
    sys.orig_argv = [sys.executable, "-m", name, *words]
    del sys.modules[name]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    main(sys.argv[1])
