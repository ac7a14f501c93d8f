"""Whether an account ever had two live sockets, by what the simulator saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf

Span = tuple[float, float]
"""From when until when, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A socket was opened, or ended with a close code, at the door of one gateway."""

    at_ms: int
    account: str
    door: int
    code: int | None = None

    @property
    def opened(self) -> bool:
        return self.code is None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sockets of one account that were live for `ms` at the same time."""

    account: str
    ms: float


def side_by_side(sights: Iterable[Sight], frozen: Mapping[int, Sequence[Span]]) -> list[Pair]:
    """Every pair of sockets of one account that were open at the same time, the longest first.

    `frozen` are the times in which the process behind a door was stopped: its socket is open, and dead. The
    sockets of one door end in the order in which they were opened.
    """
    spans = defaultdict[str, list[tuple[Span, int]]](list)
    opened = defaultdict[tuple[str, int], list[int]](list)
    for sight in sights:
        waiting = opened[sight.account, sight.door]
        if sight.opened:
            waiting.append(sight.at_ms)
        elif waiting:
            spans[sight.account].append(((waiting.pop(0), sight.at_ms), sight.door))
    for (account, door), left in opened.items():
        spans[account] += [((at_ms, inf), door) for at_ms in left]
    pairs = []
    for account, found in spans.items():
        for (one, door), (other, other_door) in combinations(found, 2):
            stopped = [*frozen.get(door, ()), *frozen.get(other_door, ())]
            if (both := _shared(one, other)) and (ms := _length(both, stopped)) > 0:
                pairs.append(Pair(account, ms))
    return sorted(pairs, key=lambda pair: -pair.ms)


def _shared(one: Span, other: Span) -> Span | None:
    begin, end = max(one[0], other[0]), min(one[1], other[1])
    return (begin, end) if begin < end else None


def _length(span: Span, without: Iterable[Span]) -> float:
    """How long a span is without those, which may cover each other."""
    left, (begin, end) = 0.0, span
    for first, last in sorted(without):
        if first >= end:
            break
        left += max(0.0, first - begin)
        begin = max(begin, last)
    return left + max(0.0, end - begin)
