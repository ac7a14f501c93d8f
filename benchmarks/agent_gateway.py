"""A gateway as `openclaw gateway run` is one, which also notes when messages were stored and how late it was.

    python -m benchmarks.agent_gateway FILE

At its end it writes to FILE, as JSON and by `time.monotonic`: `stored`, a time for each commit of messages,
`asked` and `answered`, when the library was given a request for a model and gave back its answer, and `lags`,
pairs of a time and the seconds by which the event loop was late then.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.agent_host import brains_of
from clawlane.gateway.logging import logging_to
from clawlane.gateway.process import gateway
from clawlane.lane.live_agents import LiveAgents
from clawlane.plugins.registry import Registry

_EVERY_S = 0.005


class _Noted(logging.Handler):
    """Notes when something was logged that has these words."""

    def __init__(self, module: str, words: str) -> None:
        super().__init__(logging.DEBUG)
        self.times: list[float] = []
        self._words = words
        logger = logging.getLogger(module)
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.msg:
            self.times.append(time.monotonic())


async def _note_lags(lags: list[tuple[float, float]]) -> None:
    while True:
        due = time.monotonic() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        now = time.monotonic()
        lags.append((now, now - due))


async def main() -> dict[str, object]:
    """Run until SIGTERM, then give what was noted."""
    paths, stop = Paths.from_env(os.environ), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = load(paths, Registry(paths), os.environ)
    stored, lags = _Noted("clawlane.lane.admission", "stored "), list[tuple[float, float]]()
    asked = _Noted("clawlane.agents.model", " is asked ")
    answered = _Noted("clawlane.agents.model", " has answered ")
    with logging_to(paths.log_dir):
        async with (
            brains_of(config, paths, os.environ) as agents,
            gateway(config, paths, os.environ, LiveAgents(agents)),
        ):
            noting = asyncio.create_task(_note_lags(lags))
            await stop.wait()
            noting.cancel()
            with suppress(asyncio.CancelledError):
                await noting
    return {"stored": stored.times, "asked": asked.times, "answered": answered.times, "lags": lags}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(main())))
