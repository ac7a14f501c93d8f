"""How long `openclaw --help` takes, as a whole process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

_RUNS = 15
_AIM_S = 0.2


def run() -> None:
    command = [str(Path(sys.executable).with_name("openclaw")), "--help"]
    times = sorted(_seconds(command) for _ in range(_RUNS))
    print(
        f"openclaw --help: {statistics.median(times):.3f} s median of {_RUNS} "
        f"({times[0]:.3f} to {times[-1]:.3f}; aim: at most {_AIM_S} s)"
    )


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    run()
