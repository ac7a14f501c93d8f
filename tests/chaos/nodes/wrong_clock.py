"""`openclaw …` on a machine whose wall clock is wrong: `python wrong_clock.py SECONDS WORDS…`.

The other clocks run as they do.
"""

from __future__ import annotations

import sys
import time

_ahead_ns = int(sys.argv[1]) * 10**9
_time_ns = time.time_ns


def _shown_ns() -> int:
    return _time_ns() + _ahead_ns


time.time_ns = _shown_ns
time.time = lambda: _shown_ns() / 1e9

from clawlane.cli.main import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run(sys.argv[2:], "openclaw"))
