"""Ends this process when whoever started it is gone, however that ended."""

from __future__ import annotations

import os
import signal
import sys
import threading

_GRACE_S = 15.0
"""Seconds to end in order before the process is cut off."""


def end_with_parent() -> None:
    """From now on the end of stdin ends this process, as SIGTERM would."""

    def watch() -> None:
        # Not `sys.stdin`: a thread that holds its lock would make the interpreter abort at its end.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name="leash", daemon=True).start()
