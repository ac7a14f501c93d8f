"""`openclaw …` that is stopped (SIGSTOP) at the look at its lease: `stopped_at_look.py WHEN FILE WORDS…`.

Once the FILE is there, the next message that is sent stops it: `before` the clock is read that says whether
its lease holds, or `after`. The file is removed then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

_when, _file = sys.argv[1], Path(sys.argv[2])
_read = time.clock_gettime


def _reading(clock: int) -> float:
    if not (_file.exists() and _sends()):
        return _read(clock)
    _file.unlink()
    if _when == "before":
        os.kill(os.getpid(), signal.SIGSTOP)
        return _read(clock)
    seen = _read(clock)
    os.kill(os.getpid(), signal.SIGSTOP)
    return seen


def _sends() -> bool:
    """Whether the clock is read on the way of a message."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "ask" and frame.f_locals.get("name") == "send text":
            return True
    return False


time.clock_gettime = _reading

from clawlane.cli.main import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(sys.argv[3:], "openclaw"))
