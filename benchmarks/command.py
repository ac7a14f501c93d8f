"""What commands cost, as whole processes beside a bare interpreter: `--help`, and others with a gateway.

The bounds are held against CPU time, user and system: on an idle machine that is what somebody waits for, and
on a busy one it leaves out the wait for a processor. Each round runs the bare interpreter and every command
once, and the figure is the median of the rounds' ratios. Beside it stands what it took by the clock,
for `directory peers list` with the platform's own answer in it.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure
from demo.stage import Gateway, Operator, Simulator, running, simulator

_RUNS = 15
_BARE = [sys.executable, "-c", "pass"]
_HELP_LIMIT = 5.0
_ASKING_LIMIT = 12.0
_FRIENDS = 5_000
_ASKING = (
    ("pairing", "list"),
    ("channels", "status"),
    ("why",),
    ("directory", "self"),
    ("directory", "peers", "list"),
)
_CONFIG = "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


def run() -> Iterator[Figure]:
    """How many times the CPU time of a bare interpreter."""
    openclaw = str(Path(sys.executable).with_name("openclaw"))
    yield from _figures({"openclaw --help": [openclaw, "--help"]}, dict(os.environ), _HELP_LIMIT)
    with _gateway() as operator:
        commands = {f"openclaw {' '.join(words)}": operator.command(*words) for words in _ASKING}
        yield from _figures(commands, operator.env, _ASKING_LIMIT)


def _figures(commands: dict[str, list[str]], env: dict[str, str], limit: float) -> Iterator[Figure]:
    rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in commands}
    for _ in range(_RUNS):
        bare_waited, bare_used = _seconds(_BARE, env)
        for name, command in commands.items():
            waited, used = _seconds(command, env)
            rounds[name].append((used / bare_used, used, waited, waited / bare_waited))
    for name in commands:
        ratio, used, waited, by_clock = map(statistics.median, zip(*rounds[name], strict=True))
        clock = f"from start to end {waited:.3f} s, {by_clock:.1f} × bare"
        yield Figure(name, ratio, "× bare", f"median of {_RUNS}; {used:.3f} CPU s, {clock}", limit=limit)


@contextmanager
def _gateway() -> Iterator[Operator]:
    """A gateway on the simulator, whose account has many friends."""
    with tempfile.TemporaryDirectory() as folder, simulator(Path(folder)) as zalo:
        state = Path(folder, "state")
        state.mkdir(mode=0o700)
        (state / "config.json5").write_text(_CONFIG)
        operator = Operator.at(state, zalo.network)
        _make_friends(zalo)
        if operator.run("plugins", "install", "@openclaw/zalouser").returncode:
            raise RuntimeError("the plugin was not installed")
        _log_in(operator, zalo)
        with Gateway(operator) as gateway:
            gateway.start()
            gateway.said("is ready")
            yield operator


def _make_friends(zalo: Simulator) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = (f"Nguyễn Văn {number}" for number in range(_FRIENDS))
        for _ in pool.map(lambda name: zalo.do("/person", name=name), names):
            pass


def _log_in(operator: Operator, zalo: Simulator) -> None:
    command = operator.command("channels", "login", "--channel", "zalouser", "--accept-risk")
    with running(command, operator.env, subprocess.STDOUT) as login:
        zalo.wait("qrshown")
        zalo.do("/scan")
        zalo.do("/confirm")
        if login.wait(60):
            raise RuntimeError("the login failed")


def _seconds(command: Sequence[str], env: dict[str, str]) -> tuple[float, float]:
    """From start to end, and of CPU."""
    started, before = time.perf_counter(), _used()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, _used() - before


def _used() -> float:
    """CPU seconds of all processes that have ended, finer than `os.times` has them."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
