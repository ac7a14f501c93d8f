"""Memory at rest and the time from start to ready, with one account and with many."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.lane_stage import Stage, staged

_ACCOUNTS = (1, 10, 50)
_RUNS = 3
_AIM_S, _AIM_MB, _AIM_FURTHER_MB = 1.0, 70.0, 2.0


def run() -> Iterator[Figure]:
    """Seconds to start, and MiB: of one account, and of each further one."""
    alone = 0.0
    for count in _ACCOUNTS:
        with staged(count) as stage:
            seconds, memory = zip(*[_once(stage) for _ in range(_RUNS)], strict=True)
        ready, resident = statistics.median(seconds), statistics.median(memory)
        if count == 1:
            alone = resident
            yield Figure("gateway, start to ready", ready, "s", f"median of {_RUNS}", aim=_AIM_S)
            yield Figure("gateway, memory at rest", resident, "MiB", aim=_AIM_MB)
        else:
            note = f"{resident:.0f} MiB in all; {ready:.2f} s from start to all ready"
            each = (resident - alone) / (count - 1)
            yield Figure(f"each further of {count} accounts", each, "MiB", note, aim=_AIM_FURTHER_MB)


def _once(stage: Stage) -> tuple[float, float]:
    took = stage.start()
    memory = stage.resident_mb()
    stage.gateway.stop()
    return took, memory
