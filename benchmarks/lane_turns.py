"""Echo turns a second, end to end: from the messages at Zalo to the answers at Zalo.

The gateway and the simulator are processes of their own, the plugin is the real one, acks are on, pacing is
off. All messages are written while the gateway is down, so that writing costs nothing; the gateway fetches
them after its start. The time is the simulator's own, from the first answer to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from benchmarks.figure import Figure
from benchmarks.lane_stage import Stage, staged
from demo.stage import Record

TURNS = 600
_AIMS: dict[int, tuple[float, float | None]] = {30: (600, 1.7), 1: (100, None)}
"""Turns a second and milliseconds of CPU a turn, by the number of threads."""


@dataclass(frozen=True, slots=True)
class Turns:
    """How many a second, and milliseconds of processor time of the gateway for each."""

    per_second: float
    cpu_ms: float


def run() -> Iterator[Figure]:
    """Turns a second, and milliseconds of CPU a turn: this one depends less on what else the machine does."""
    for threads, (per_second, cpu_ms) in _AIMS.items():
        with staged() as stage:
            turns = measured(stage, threads)
        name = f"echo turns, {threads} thread{'s' * (threads > 1)}"
        yield Figure(name, turns.per_second, "/s", f"{TURNS} turns", aim=per_second, at_least=True)
        yield Figure(f"{name}, CPU", turns.cpu_ms, "ms", "a turn, of the gateway", aim=cpu_ms)


def measured(
    stage: Stage,
    threads: int,
    turns: int = TURNS,
    beside: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    unheard: int = 0,
) -> Turns:
    """Let this many people write so many messages in all, and wait for the answers.

    `beside` is entered while they come. For each, so many `unheard` are written in a group, which get a
    decision and no answer.
    """
    zalo = stage.zalo
    uids = people(stage, threads)
    stage.start()
    zalo.do("/say", **{"from": uids[0], "text": "chào"})
    zalo.wait("sent")
    at_rest = stage.cpu_seconds()
    stage.gateway.stop()
    write(stage, uids, turns, unheard)
    stage.start()
    with beside():
        answers: list[Record] = [zalo.wait("sent") for _ in range(turns)]
    used = stage.cpu_seconds() - at_rest
    seconds = (answers[-1]["at_ms"] - answers[0]["at_ms"]) / 1000
    return Turns((turns - 1) / seconds, 1000 * used / turns)


def people(stage: Stage, count: int) -> list[str]:
    """So many friends of the account."""
    return [stage.zalo.do("/person", name=f"Người {number}")["uid"] for number in range(count)]


def write(stage: Stage, uids: Sequence[str], messages: int, unheard: int = 0) -> None:
    """Let them write so many messages in all, and for each so many in a group, not to the account."""
    group = stage.zalo.do("/group", name="Nhóm", members=list(uids))["gid"] if unheard else ""
    for number in range(messages):
        sender = {"from": uids[number % len(uids)]}
        stage.zalo.do("/say", **sender, text=f"{number} em hỏi anh chút được không?")
        for place in range(unheard):
            stage.zalo.do("/say", **sender, group=group, text=f"{number}.{place} cả nhà ơi")
