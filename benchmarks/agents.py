"""What an agent costs: the time around its answer, memory, and the event loop while many are answered.

Gateway, loopback model and simulator are processes of their own; the plugin is the real one, acks are on,
pacing is off. Times are of `time.monotonic`, which all processes of a machine share; the simulator's are in
whole milliseconds. For kind `model` the library's part stands beside ours: from the moment when it is given a
request until that arrives, and from the end of the answer until it gives that back.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.lane_stage import Stage, staged
from demo.stage import Missing, running

_ACP = Path(__file__).parents[1] / "packages/clawlane/tests/data/acp_agent.py"
_TURNS, _PEOPLE = 150, 15
_ASIDE_S = 0.03
"""Between an answer and the next message: what belongs to the answer is stored by then."""

_AT_ONCE, _THINKING_S = 30, 2.0
_AIM_MS, _AIM_LAG_MS, _AIM_MORE_MB = 5.0, 50.0, 3.0


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from the commit of a message to the request, and from the answer to what is sent."""

    before: float
    after: float

    @classmethod
    def of(cls, samples: Sequence[tuple[float, float]]) -> Times:
        """The medians of samples in seconds."""
        before, after = zip(*samples, strict=True)
        return cls(1000 * statistics.median(before), 1000 * statistics.median(after))


def run() -> Iterator[Figure]:
    """The time around an answer, the event loop with 30 conversations at once, and memory with each kind."""
    for kind in ("endpoint", "model"):
        ours, library = _times(kind)
        note, rest = f"p50 of {_TURNS} turns", "p50"
        if kind == "model":
            note = f"{note}; the library's part {library.before:.1f}"
            rest = f"p50; the library's part {library.after:.1f}"
        yield Figure(f"{kind}: commit to request", ours.before, "ms", note, aim=_AIM_MS)
        yield Figure(f"{kind}: answer to send", ours.after, "ms", rest, aim=_AIM_MS)
    for kind in ("endpoint", "model"):
        lag, seconds = _lag(kind)
        note = f"p99 while {_AT_ONCE} are answered, which takes {seconds:.1f} s"
        yield Figure(f"{kind}: event loop late", lag, "ms", note, aim=_AIM_LAG_MS)
    echo = _resident("echo")
    yield Figure("echo: memory", echo, "MiB", "after one turn")
    for kind in ("endpoint", "acp", "command"):
        yield Figure(f"{kind}: memory", _resident(kind), "MiB", "after one turn", aim=echo + _AIM_MORE_MB)
    yield Figure("model: memory", _resident("model"), "MiB", "after one turn")


def _config(kind: str, url: str) -> dict[str, Any]:
    brains: dict[str, dict[str, Any]] = {
        "endpoint": {"kind": "endpoint", "url": url, "model": "any"},
        "acp": {"kind": "acp", "command": [sys.executable, str(_ACP)]},
        "command": {"kind": "command", "command": ["echo", "vâng"]},
        "echo": {"kind": "echo"},
    }
    agent = {"model": "bench/any"} if kind == "model" else {"brain": brains[kind]}
    providers = {"bench": {"baseUrl": url}}
    return {"agents": {"defaults": {**agent, "allowStrangers": True}}, "models": {"providers": providers}}


@dataclass(slots=True)
class _Bench:
    """A gateway with an agent, and what the processes noted once it was left."""

    stage: Stage
    noted: Mapping[str, Any]
    spans: Sequence[tuple[float, float]] = ()

    def person(self, number: int) -> str:
        return str(self.stage.zalo.do("/person", name=f"Người {number}")["uid"])

    def say(self, uid: str) -> None:
        self.stage.zalo.do("/say", **{"from": uid, "text": "em hỏi anh chút được không?"})


@contextmanager
def _opened(kind: str, thinking_s: float = 0.0) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder:
        notes, spans = Path(folder) / "gateway.json", Path(folder) / "model.json"
        command = [sys.executable, "-m", "benchmarks.agent_gateway", str(notes)]
        with _model(thinking_s, spans) as url, staged(1, _config(kind, url), command) as stage:
            stage.start()
            bench = _Bench(stage, {})
            yield bench
            stage.gateway.stop()
        bench.noted, bench.spans = json.loads(notes.read_text()), json.loads(spans.read_text())


@contextmanager
def _model(thinking_s: float, spans: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.agent_model", str(thinking_s), str(spans)]
    with running(command, dict(os.environ)) as process:
        assert process.stdout is not None
        if not (url := process.stdout.readline().strip()):
            raise Missing("the model did not start")
        yield url


def _times(kind: str) -> tuple[Times, Times]:
    """Our part and the library's: medians of turns one after the other, without the first of each person."""
    sent: list[float] = []
    since_boot = time.monotonic() - time.time()
    with _opened(kind) as bench:
        people = [bench.person(number) for number in range(_PEOPLE)]
        for number in range(_TURNS + _PEOPLE):
            time.sleep(_ASIDE_S)
            bench.say(people[number % _PEOPLE])
            sent.append(bench.stage.zalo.wait("sent")["at_ms"] / 1000 + since_boot)
    began, ended = map(list, zip(*bench.spans, strict=True))
    asked, answered = bench.noted["asked"] or began, bench.noted["answered"] or ended
    stored = [bench.noted["stored"][bisect_left(bench.noted["stored"], at) - 1] for at in asked]
    ours = zip(_between(stored, asked), _between(answered, sent), strict=True)
    library = zip(_between(asked, began), _between(ended, answered), strict=True)
    return Times.of(list(ours)[_PEOPLE:]), Times.of(list(library)[_PEOPLE:])


def _between(first: Sequence[float], then: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in zip(first, then, strict=True)]


def _lag(kind: str) -> tuple[float, float]:
    """Milliseconds, the 99th of a hundred, while everybody is answered; and the seconds that it took."""
    with _opened(kind, _THINKING_S) as bench:
        people = [bench.person(number) for number in range(_AT_ONCE)]
        began = time.monotonic()
        for uid in people:
            bench.say(uid)
        for _ in people:
            bench.stage.zalo.wait("sent")
        ended = time.monotonic()
    lags = sorted(lag for at, lag in bench.noted["lags"] if began <= at <= ended)
    return 1000 * lags[int(0.99 * (len(lags) - 1))], ended - began


def _resident(kind: str) -> float:
    with _opened(kind) as bench:
        bench.say(bench.person(0))
        bench.stage.zalo.wait("sent")
        return bench.stage.resident_mb()
