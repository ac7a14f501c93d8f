"""The machine that a gateway runs on, with a clock that a test sets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from demo.stage import Gateway, Operator


class Host:
    """The machine of the gateway, and the clock on its wall."""

    def __init__(self, operator: Operator, folder: Path) -> None:
        self._clock = folder / "clock"
        self.set_ahead(0)
        operator.env["CLOCK_FILE"] = str(self._clock)
        self.gateway = Gateway(operator, [sys.executable, str(Path(__file__).with_name("clock_gateway.py"))])

    def set_ahead(self, seconds: float) -> None:
        changed = self._clock.with_suffix(".new")
        changed.write_text(str(seconds))
        os.replace(changed, self._clock)
