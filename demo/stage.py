"""The processes of a rehearsal: a simulator that people drive, and the operator's commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Self
from urllib.request import Request, urlopen

PATIENCE = 30.0
"""Seconds to wait for one thing before it counts as missing."""

_STOP = 15.0

start_process: Callable[..., subprocess.Popen[str]] = subprocess.Popen
"""How the operator's processes are started; tests have a quicker way."""

Record = Mapping[str, Any]
"""One thing that a client did: `seq`, `kind`, and the fields of that kind."""


class Missing(Exception):
    """Something that had to happen did not."""


@dataclass(slots=True)
class Simulator:
    """A Zalo on loopback in a process of its own, through its control interface."""

    control: int
    network: str
    seen: int = 0
    """The number of the last record that `wait` has read."""

    def do(self, path: str, **body: object) -> dict[str, Any]:
        """Send a request to the control interface, such as `do("/scan")`."""
        request = Request(f"http://127.0.0.1:{self.control}{path}", json.dumps(body).encode())
        with urlopen(request, timeout=PATIENCE) as answer:
            return dict(json.load(answer))

    def world(self) -> dict[str, Any]:
        """The `accounts`, `people` and `groups`."""
        with urlopen(f"http://127.0.0.1:{self.control}/world", timeout=PATIENCE) as answer:
            return dict(json.load(answer))

    def wait(self, kind: str, where: Callable[[Record], bool] = lambda _record: True) -> Record:
        """The next record of this kind. Raises `Missing`."""
        for record in self._records():
            if record["kind"] == kind and where(record):
                return record
        raise Missing(f"Zalo's side saw no {kind} within {PATIENCE:.0f} s")

    def since(self, seq: int) -> list[Record]:
        """The records after this one, without waiting."""
        return self._ask(seq, 0)

    def _records(self) -> Iterator[Record]:
        while records := self._ask(self.seen, PATIENCE):
            for record in records:
                self.seen = record["seq"]
                yield record

    def _ask(self, after: int, wait: float) -> list[Record]:
        url = f"http://127.0.0.1:{self.control}/arrived?after={after}&wait={wait}"
        with urlopen(url, timeout=2 * PATIENCE) as answer:
            return list(json.load(answer)["arrived"])


@contextmanager
def simulator(folder: Path, *flags: str) -> Iterator[Simulator]:
    """A running simulator; its certificate is written into the folder."""
    command = [sys.executable, "-m", "zaloweb.sim", "--port", "0", "--control-port", "0"]
    with simulated([*command, "--ca", str(folder / "simulator.pem"), *flags]) as started:
        yield started


@contextmanager
def simulated(command: list[str]) -> Iterator[Simulator]:
    """The simulator that a program runs, which says on its first line where it is."""
    with running(command, dict(os.environ)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Missing("the simulator did not start")
        ready = json.loads(line)
        yield Simulator(ready["control"], f"127.0.0.1:{ready['port']},{ready['ca']}")


@contextmanager
def running(
    command: list[str], env: dict[str, str], stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that gets SIGTERM when this is left, and SIGKILL if it does not end."""
    process = start_process(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a terminal, with a state directory of their own."""

    env: dict[str, str]

    @classmethod
    def at(cls, state: Path, network: str) -> Operator:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TERM")}
        ours = {"CLAWLANE_STATE_DIR": str(state), "ZALOWEB_NETWORK": network, "PYTHONUTF8": "1"}
        return cls({**kept, **ours})

    def command(self, *words: str) -> list[str]:
        """The command line, with the `openclaw` of this Python environment."""
        return [str(Path(sys.executable).with_name("openclaw")), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `stdout` holds its output, errors included."""
        command = self.command(*words)
        process = start_process(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            told, _ = process.communicate(timeout=2 * PATIENCE)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(command, process.returncode, told)


class Gateway:
    """`openclaw gateway run`, started and stopped by hand, and killed when this is left."""

    def __init__(self, operator: Operator, command: Sequence[str] = ()) -> None:
        """`command` stands in for `openclaw gateway run`."""
        self._command = list(command) or operator.command("gateway", "run")
        self._operator = operator
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._news = Condition()
        self._reader: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            self.kill()

    @property
    def runs(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and forget the output of an earlier run."""
        self._lines = []
        self._process = start_process(
            self._command,
            env=self._operator.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ask it to end (SIGTERM). Raises `Missing` if it does not end well."""
        code = self._end(signal.SIGTERM)
        if code != 0:
            raise Missing(f"the gateway ended with exit code {code}")

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def printed(self) -> list[str]:
        """What it has printed since its last start."""
        with self._news:
            return list(self._lines)

    def said(self, words: str, patience: float = PATIENCE) -> str:
        """The line with these words, now or within so many seconds. Raises `Missing`."""
        with self._news:
            self._news.wait_for(lambda: self._line_with(words) is not None, patience)
            line = self._line_with(words)
        if line is None:
            raise Missing(f"the gateway never said {words!r}")
        return line

    def said_times(self, words: str, times: int, patience: float = PATIENCE) -> None:
        """Once so many lines had these words. Raises `Missing`."""
        with self._news:
            if not self._news.wait_for(lambda: self._count(words) >= times, patience):
                raise Missing(f"the gateway said {words!r} {self._count(words)} times, not {times}")

    def _count(self, words: str) -> int:
        return sum(words in line for line in self._lines)

    def _line_with(self, words: str) -> str | None:
        return next((line for line in self._lines if words in line), None)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self._lines.append(line.rstrip())
                self._news.notify_all()

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(how)
        code = self._process.wait(2 * PATIENCE)
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code
