"""`openclaw gateway run` on a machine whose clock is ahead by as many seconds as the file CLOCK_FILE says."""

import os
import sys
import time
from pathlib import Path

_file = Path(os.environ["CLOCK_FILE"])
_time_ns = time.time_ns


def _shown_ns() -> int:
    return _time_ns() + int(float(_file.read_text()) * 1e9)


time.time_ns = _shown_ns
time.time = lambda: _shown_ns() / 1e9

from clawlane.config.paths import Paths  # noqa: E402
from clawlane.gateway.process import run  # noqa: E402

sys.exit(run(Paths.from_env(os.environ), os.environ))
