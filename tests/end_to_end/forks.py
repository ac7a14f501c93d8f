"""Programs of ours as processes that begin warm: forked from one that has imported what they need.

Half of a story's time was the start of Python, again for each command. `warm.start` takes what
`subprocess.Popen` would, and gives a process of its own with its own environment, folder, signals and files,
which can be killed like any other. What asks for a fresh interpreter (another program, a clock that is moved
before anything is imported, a test of what is imported) gets one.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, Self

from end_to_end import fork_line

_MODULES = ("demo.record_gateway",)
_HERE = Path(__file__).parent
_OF_GATEWAY = _HERE.parents[1] / "packages/clawlane/tests"
_SCRIPTS = frozenset(
    str(path)
    for path in (
        _HERE / "clock_gateway.py",
        _HERE / "killed_at_commit.py",
        _HERE / "killed_command.py",
        _HERE / "killed_gateway.py",
        _OF_GATEWAY / "piped_gateway.py",
        _OF_GATEWAY / "data/mcp_server.py",
    )
)
_HEEDED = frozenset(("PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"))
"""Variables for Python itself that a fork heeds."""

_OPENCLAW = str(Path(sys.executable).with_name("openclaw"))
_File = int | IO[Any] | None


class Forked:
    """What `subprocess.Popen` is to an ordinary process, as far as the tests need it."""

    def __init__(self, line: socket.socket, args: Sequence[str], ends: Sequence[IO[Any] | None]) -> None:
        self.args = args
        self.pid = int.from_bytes(line.recv(4, socket.MSG_WAITALL), "big")
        self.stdin, self.stdout, self.stderr = ends
        self.returncode: int | None = None
        self._line = line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.stdin is not None:
            self.stdin.close()
        self.wait()
        for end in (self.stdout, self.stderr):
            if end is not None:
                end.close()

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

    async def ended(self) -> int:
        """Its exit code, for who has an event loop and asks nothing else."""
        self._line.setblocking(False)
        with self._line:
            told = await asyncio.get_running_loop().sock_recv(self._line, 64)
        return int(told or b"-9")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and the word of it is on its way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """All that it prints, once it has ended. Raises `TimeoutExpired`."""
        ends = None if timeout is None else time.monotonic() + timeout
        told = {end: bytearray() for end in (self.stdout, self.stderr) if end is not None}
        with selectors.DefaultSelector() as selector:
            for end in told:
                selector.register(end, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(_left(ends))
                if not ready:
                    raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
                for key, _ in ready:
                    end: Any = key.fileobj
                    if piece := os.read(key.fd, 65536):
                        told[end] += piece
                    else:
                        selector.unregister(end)
        self.wait(_left(ends))
        return self._read(self.stdout, told), self._read(self.stderr, told)

    def _read(self, end: IO[Any] | None, told: Mapping[IO[Any], bytearray]) -> Any:
        if end is None:
            return None
        end.close()
        return bytes(told[end]) if "b" in end.mode else told[end].decode()


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(0.0, ends - time.monotonic())


class Warm:
    """The process that others are forked from. It is started when one is needed, and ended on leaving."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._path = ""
        self._prepared: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()
        self._path = ""
        self._prepared.clear()

    def start(
        self,
        args: Sequence[str],
        *,
        new_modules: bool = False,
        env: Mapping[str, str] | None = None,
        stdin: _File = None,
        stdout: _File = None,
        stderr: _File = None,
        text: bool = False,
    ) -> Any:
        """A process for a command line, forked if it is one of ours, else a new one.

        With `new_modules` the folders of its PYTHONPATH hold only what the warm process has not imported.
        """
        env = os.environ if env is None else env
        program = _program(args, env, _HEEDED | {"PYTHONPATH"} if new_modules else _HEEDED)
        if program is None:
            return subprocess.Popen(args, env=env, stdin=stdin, stdout=stdout, stderr=stderr, text=text)
        with ExitStack() as theirs:
            taken = [_taken(theirs, number, file) for number, file in enumerate((stdin, stdout, stderr))]
            files = [file for file, _ in taken]
            if stderr == subprocess.STDOUT:
                files[2] = files[1]
            line = fork_line.ask(self.address(), program, env, files)
        ends = [
            None if ours is None else _opened(ours, number, text) for number, (_, ours) in enumerate(taken)
        ]
        return Forked(line, args, ends)

    def run(self, args: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """A command line to its end, as `subprocess.run` with `capture_output` does; see `start`."""
        pipe = subprocess.PIPE
        process = self.start(args, **{"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **options})
        try:
            told, errors = process.communicate(timeout=60)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(args, process.returncode, told, errors)

    def behind(self, script: Path, *words: str) -> list[str]:
        """A command line for a script of ours, for somebody else to start: it is forked then.

        It runs once before, with nothing to read: what it needs is imported when somebody waits for it.
        """
        line = [sys.executable, "-I", "-S", fork_line.__file__, self.address(), str(script)]
        if script not in self._prepared:
            null = subprocess.DEVNULL
            subprocess.run(line, stdin=null, stdout=null, stderr=null, check=True)
            self._prepared.add(script)
        return [*line, *words]

    def address(self) -> str:
        """Where forks are asked for."""
        if not self._path:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="forks-"))
            path = os.path.join(folder, "socket")
            command = [sys.executable, "-m", "end_to_end.fork_server", path]
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(str, sys.path)))}
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
            self._stack.callback(process.wait)
            self._stack.callback(process.terminate)
            assert process.stdout is not None
            self._stack.enter_context(process.stdout)
            assert process.stdout.readline() == b"ready\n"
            self._path = path
        return self._path


warm = Warm()
"""That of this process; the tests' fixtures end it."""


def _taken(theirs: ExitStack, number: int, file: _File) -> tuple[int, int | None]:
    """The end of a file that the fork gets, and ours where it is a pipe."""
    if file is None:
        return number, None
    if file == subprocess.DEVNULL:
        null = os.open(os.devnull, os.O_RDWR)
        theirs.callback(os.close, null)
        return null, None
    if file == subprocess.PIPE:
        reading, writing = os.pipe()
        end, ours = (writing, reading) if number else (reading, writing)
        theirs.callback(os.close, end)
        return end, ours
    return (file if isinstance(file, int) else file.fileno()), None


def _opened(end: int, number: int, text: bool) -> IO[Any]:
    mode = "r" if number else "w"
    return open(end, mode, encoding="utf-8") if text else open(end, f"{mode}b")


def _program(args: Sequence[str], env: Mapping[str, str], heeded: frozenset[str]) -> list[str] | None:
    """What is run in a fork; None where it needs an interpreter of its own."""
    if "SKEW_S" in env or any(name.startswith("PYTHON") for name in env.keys() - heeded):
        return None  # its clock is moved, or its imports are others
    match [os.fspath(word) for word in args]:
        case [program, *_] as words if program == _OPENCLAW:
            return words
        case [python, "-m", module, *words] if python == sys.executable and module in _MODULES:
            return [module, *words]
        case [python, script, *words] if python == sys.executable and script in _SCRIPTS:
            return [script, *words]
    return None
