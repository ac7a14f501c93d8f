"""A gateway as `openclaw gateway run` is one, which also counts what waits in its event loop.

    python -m benchmarks.counted_gateway FILE

At each SIGUSR1 it writes to FILE, as JSON: `tasks` and `timers`, how many there are of each kind, and
`threads`, their names. A kind of task is the name of its coroutine; a kind of timer, of what it calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from clawlane.config.paths import Paths
from clawlane.gateway.process import run


def count(file: Path) -> None:
    """Write what there is now; the file appears whole."""
    loop: Any = asyncio.get_running_loop()
    tasks = Counter(_named(task.get_coro()) for task in asyncio.all_tasks(loop))
    timers = Counter(_named(timer._callback) for timer in loop._scheduled if not timer.cancelled())
    told = {"tasks": tasks, "timers": timers, "threads": [one.name for one in threading.enumerate()]}
    part = file.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.rename(file)


def _named(one: Any) -> str:
    return str(getattr(one, "__qualname__", None) or type(one).__name__)


if __name__ == "__main__":
    written = Path(sys.argv[1])
    signal.signal(signal.SIGUSR1, lambda *_: count(written))
    sys.exit(run(Paths.from_env(os.environ), os.environ))
