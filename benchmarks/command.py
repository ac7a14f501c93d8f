"""How long `openclaw --help` takes, as a whole process.

The aim is held against its CPU time, user and system: on an idle machine that is what somebody waits for, and
on a busy one it leaves out the wait for a processor.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure

_RUNS = 15
_AIM_S = 0.2


def run() -> Iterator[Figure]:
    """Seconds of CPU a run."""
    command = [str(Path(sys.executable).with_name("openclaw")), "--help"]
    waited, used = zip(*[_seconds(command) for _ in range(_RUNS)], strict=True)
    note = f"median of {_RUNS}; from start to end {statistics.median(waited):.3f} s"
    yield Figure("openclaw --help", statistics.median(used), "CPU s", note, aim=_AIM_S)


def _seconds(command: list[str]) -> tuple[float, float]:
    """From start to end, and of CPU."""
    started, before = time.perf_counter(), os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    waited, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return waited, used
