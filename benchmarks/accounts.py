"""What each further account of one gateway costs: memory, files, threads, timers, and processor time at rest.

The gateway is measured with one account and with many, each with thousands of friends on the simulator, which
is a process of its own. An account's share is the difference between the two, divided by the accounts that
came on top. Pacing is on, without a gap
between two messages or a limit of the account, so that each reply leaves at once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.lane_stage import Stage, staged
from demo.stage import Missing, Record, Simulator, simulated

_MOST = 100_000
_PACING = {
    "gap": "0s",
    "gapJitter": "0s",
    "account": {"minute": _MOST, "hour": _MOST, "day": _MOST},
}
_QUIET_S, _SETTLES_S = 5.0, 900.0
_QUIET_SHARE = 0.2
"""Of a core: a gateway that uses less for a while has done what a start brings with it."""

_COUNTS_S = 20.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: see `SIZES`."""

    accounts: int = 500
    friends: int = 5_000
    rest: float = 60.0
    messages: int = 200


SIZES = {
    "accounts": "how many there are",
    "friends": "friends of each",
    "rest": "seconds of rest",
    "messages": "messages that are answered",
}
"""The options, and what they say."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a gateway holds while nothing happens. `wakes` are those of all its threads, a second."""

    ready_s: float
    settled_s: float
    start_cpu_s: float
    lines: int
    resident_mb: float
    files: int
    sockets: int
    threads: int
    tasks: int
    timers: int
    cpu_share: float
    wakes: float
    took_ms: list[float]


def run(size: Size = Size()) -> Iterator[Figure]:
    """Shares of one account, what all of them take together, and milliseconds until a message is answered."""
    alone, many = _held(size, 1), _held(size, size.accounts)
    more = max(1, size.accounts - 1)

    def each(one: str) -> float:
        return float(getattr(many, one) - getattr(alone, one)) / more

    held = f"{many.resident_mb:.0f} MiB in all, {alone.resident_mb:.0f} with one account"
    yield Figure("memory of each further account", 1024 * each("resident_mb"), "KiB", held)
    yield Figure("open files of each", each("files"), "", f"{many.files} in all")
    yield Figure("sockets of each", each("sockets"), "", f"{many.sockets} in all")
    yield Figure("threads", many.threads, "", f"{alone.threads} with one account")
    yield Figure("tasks of each", each("tasks"), "", f"{many.tasks} in all")
    yield Figure("timers of each", each("timers"), "", f"{many.timers} in all")
    rest = f"of a core over {size.rest:.0f} s; {100 * alone.cpu_share:.2f} % with one account"
    yield Figure("CPU at rest", 100 * many.cpu_share, "%", rest)
    yield Figure("CPU at rest, of each", 100 * each("cpu_share"), "%")
    yield Figure("wake-ups at rest", many.wakes, "/s", f"{alone.wakes:.1f} with one account")
    yield Figure("start until all are ready", many.ready_s, "s", f"{alone.ready_s:.2f} s with one account")
    note = f"friends stored; {many.start_cpu_s:.1f} s of CPU"
    yield Figure("start until it rests", many.settled_s, "s", note)
    yield Figure("lines of the log at the start", many.lines, "", f"{alone.lines} with one account")
    p50, p99 = _percentiles(many.took_ms)
    first, last = _percentiles(alone.took_ms)
    with_one = f"p99 {p99:.1f} ms; with one account {first:.1f} and {last:.1f}"
    yield Figure(f"message to answer, p50 of {size.messages}", p50, "ms", with_one)


def _held(size: Size, accounts: int) -> Held:
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        command = [sys.executable, "-m", "benchmarks.counted_gateway", str(counts)]
        with staged(accounts, command=command, zalo=partial(crowd, size.friends), pacing=_PACING) as stage:
            return _measured(stage, size, counts)


def crowd(friends: int, folder: Path) -> AbstractContextManager[Simulator]:
    ca = str(folder / "simulator.pem")
    return simulated([sys.executable, "-m", "benchmarks.crowd", str(friends), ca])


def _measured(stage: Stage, size: Size, counts: Path) -> Held:
    ready_s = stage.start(_SETTLES_S)
    settled_s = ready_s + _settle(stage)
    start_cpu_s, lines = stage.cpu_seconds(), len(stage.gateway.printed())
    wakes, cpu_s, began = _wakes(stage.gateway.pid), stage.cpu_seconds(), time.monotonic()
    time.sleep(size.rest)
    rested_s = time.monotonic() - began
    cpu_share = (stage.cpu_seconds() - cpu_s) / rested_s
    wakes = (_wakes(stage.gateway.pid) - wakes) / rested_s
    resident_mb, files = stage.resident_mb(), _files(stage.gateway.pid)
    inside = _counted(stage.gateway.pid, counts)
    return Held(
        ready_s,
        settled_s,
        start_cpu_s,
        lines,
        resident_mb,
        len(files),
        sum(one.startswith("socket:") for one in files),
        len(os.listdir(f"/proc/{stage.gateway.pid}/task")),
        sum(inside["tasks"].values()),
        sum(inside["timers"].values()),
        cpu_share,
        wakes,
        _answered(stage, size.messages),
    )


def _settle(stage: Stage) -> float:
    """Seconds until all friends are stored and the gateway rests, without that rest. Raises `Missing`."""
    began = quiet = time.monotonic()
    used = stage.cpu_seconds()
    while time.monotonic() - quiet < _QUIET_S:
        time.sleep(1)
        now, now_used = time.monotonic(), stage.cpu_seconds()
        listed = sum(line.endswith(" friends") for line in stage.gateway.printed())
        if now_used - used > _QUIET_SHARE or listed < len(stage.accounts):
            quiet = now
        if now - began > _SETTLES_S:
            raise Missing(f"the gateway never rested within {_SETTLES_S:.0f} s")
        used = now_used
    return quiet - began


def _answered(stage: Stage, messages: int) -> list[float]:
    """Milliseconds until each of so many messages was answered, one by one, at accounts drawn by lot."""
    chance = random.Random(1)
    world = stage.zalo.world()
    accounts, people = [one["uid"] for one in world["accounts"]], [one["uid"] for one in world["people"]]
    took = []
    for number in range(messages):
        account = chance.choice(accounts)
        began = time.perf_counter()
        words = {"text": f"{number} em hỏi anh chút được không?", "from": people[number % len(people)]}
        stage.zalo.do("/say", to=account, **words)
        stage.zalo.wait("sent", partial(_is_of, account))
        took.append(1000 * (time.perf_counter() - began))
    return took


def _is_of(account: str, record: Record) -> bool:
    return bool(record["account"] == account)


def _counted(pid: int, counts: Path) -> dict[str, Any]:
    """What the gateway counts inside."""
    counts.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    until = time.monotonic() + _COUNTS_S
    while not counts.exists():
        if time.monotonic() > until:
            raise Missing("the gateway did not count what it has")
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(counts.read_text())
    for kind in ("tasks", "timers"):
        print(f"  {kind}: {found[kind]}", file=sys.stderr)
    return found


def _files(pid: int) -> list[str]:
    """What its open files are."""
    return [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]


def _wakes(pid: int) -> float:
    """How often its threads have waited and gone on, since its start."""
    word = "voluntary_ctxt_switches:"
    status = (one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith(word))


def _percentiles(times: list[float]) -> tuple[float, float]:
    ranked = statistics.quantiles(times, n=100, method="inclusive")
    return ranked[49], ranked[98]
