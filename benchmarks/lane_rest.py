"""Memory at rest and the time from start to ready, with one account and with many."""

from __future__ import annotations

import statistics

from benchmarks.lane_stage import Stage, staged

_ACCOUNTS = (1, 10, 50)
_RUNS = 3
_AIM_S, _AIM_MB, _AIM_FURTHER_MB = 1.0, 70.0, 2.0


def run() -> None:
    """Measure and print."""
    first = 0.0
    for count in _ACCOUNTS:
        with staged(count) as stage:
            seconds, memory = zip(*[_once(stage) for _ in range(_RUNS)], strict=True)
        resident = statistics.median(memory)
        first = first or resident
        told = f"{statistics.median(seconds):.2f} s from start to all ready, {resident:.0f} MB at rest"
        print(f"gateway with {count} accounts: {told} ({_aims(count, resident - first)})")


def _aims(count: int, more_mb: float) -> str:
    if count == 1:
        return f"aims: {_AIM_S:g} s, {_AIM_MB:g} MB"
    return f"{more_mb / (count - 1):.2f} MB each further; aim: {_AIM_FURTHER_MB:g} MB"


def _once(stage: Stage) -> tuple[float, float]:
    took = stage.start()
    memory = stage.resident_mb()
    stage.gateway.stop()
    return took, memory


if __name__ == "__main__":
    run()
