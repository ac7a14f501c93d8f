"""Ending a command by a signal, as somebody at a terminal does."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import Any

_HEARD = 20.0
"""Seconds. A command that is only slow must not be sent the signal twice: it would break off its end."""


def send_until_ended(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Send a signal until it is heard.

    Python notes a signal and acts on it later: one that comes in the instant before it begins to wait (for
    events, or for a line) is acted on after that wait, which may have no end.
    """
    while process.poll() is None:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_HEARD)
