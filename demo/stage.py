"""The processes of a rehearsal: a simulator that people drive, and the operator's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

PATIENCE = 20.0
"""Seconds that one thing may take before the demo calls it missing."""

_STOP = 15.0

Record = Mapping[str, Any]
"""One thing that reached Zalo's side: `seq`, `kind`, and what belongs to that kind."""


class Missing(Exception):
    """Something the story needs did not happen."""


@dataclass(slots=True)
class Simulator:
    """A Zalo on loopback in a process of its own, through its control interface."""

    control: int
    network: str
    seen: int = 0
    """The number of the last record that the story has used."""

    def do(self, path: str, **body: object) -> dict[str, Any]:
        """One step of the phone, a person or the network."""
        request = Request(f"http://127.0.0.1:{self.control}{path}", json.dumps(body).encode())
        with urlopen(request, timeout=PATIENCE) as answer:
            return dict(json.load(answer))

    def wait(self, kind: str, where: Callable[[Record], bool] = lambda _record: True) -> Record:
        """The next thing of this kind that reaches Zalo's side. Raises `Missing`."""
        for record in self._records():
            if record["kind"] == kind and where(record):
                return record
        raise Missing(f"Zalo's side saw no {kind} within {PATIENCE:.0f} s")

    def since(self, seq: int) -> list[Record]:
        """All that reached Zalo's side after a record, without waiting."""
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
def simulator(folder: Path) -> Iterator[Simulator]:
    """A running simulator; its certificate is written into the folder."""
    command = [sys.executable, "-m", "zaloweb.sim", "--port", "0", "--control-port", "0"]
    with running([*command, "--ca", str(folder / "simulator.pem")], dict(os.environ)) as process:
        ready = json.loads(_first_line(process))
        yield Simulator(ready["control"], f"127.0.0.1:{ready['port']},{ready['ca']}")


@contextmanager
def running(
    command: list[str], env: dict[str, str], stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that is asked to end (SIGTERM) when this is left, and made to if it does not."""
    process = subprocess.Popen(
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


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Missing("the simulator did not start")
    return line


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
        """The command as it is run: the `openclaw` beside the running Python."""
        return [str(Path(sys.executable).with_name("openclaw")), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its output is in `stdout`, errors too."""
        return subprocess.run(
            self.command(*words),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )


class Gateway:
    """`openclaw gateway run`, started and stopped by hand, and stopped for good when this is left."""

    def __init__(self, operator: Operator, output: Path) -> None:
        self._operator = operator
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Start it; what it prints goes to a file of its own."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._operator.command("gateway", "run"),
                env=self._operator.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def stop(self) -> None:
        """Ask it to end (SIGTERM). Raises `Missing` if it does not end well."""
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(2 * PATIENCE)
        self._process = None
        if code != 0:
            raise Missing(f"the gateway ended with exit code {code}: {self.printed()[-1:]}")

    def printed(self) -> list[str]:
        """What it has printed since its last start."""
        return self._output.read_text().splitlines()
