"""`openclaw gateway run` with an agent that prints what it is given, for tests that start it as a process.

A line `TURN 1 {…}` for each turn: `text`, `attachments`, `thread`, `id`, `context` (the marked history),
`history` and `quote`. It answers with an echo, takes three seconds for a text with SLOW in it, and fails on
one that ends in `fail`. One that begins with WAIT is never answered. `SKEW_S` in the environment moves the
clock of the whole process by that many seconds.
"""

from __future__ import annotations

import os
import time


def _skew_clock(seconds: float) -> None:
    """Move the wall clock of this process, as a machine with a wrong clock would see it."""
    time_ns = time.time_ns
    time.time_ns = lambda: time_ns() + int(seconds * 1e9)
    time.time = lambda: time.time_ns() / 1e9


if os.environ.get("SKEW_S"):
    _skew_clock(float(os.environ["SKEW_S"]))  # before anything is imported that keeps one of these functions

import asyncio  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from dataclasses import asdict  # noqa: E402

from clawlane.access.context import render  # noqa: E402
from clawlane.agents.contract import TurnInput  # noqa: E402
from clawlane.config.paths import Paths  # noqa: E402
from clawlane.gateway.process import run  # noqa: E402
from clawlane.messages import Reply  # noqa: E402


class Recorder:
    """Prints and answers turns, which it numbers so that a test can wait for each."""

    def __init__(self) -> None:
        self._turns = 0

    async def run(self, turn: TurnInput) -> Reply | None:
        self._turns += 1
        message = turn.message
        shown = {
            "text": message.text,
            "attachments": [asdict(one) for one in message.attachments],
            "thread": str(message.thread),
            "id": message.message_id,
            "context": render(turn.history),
            "history": [asdict(pended) for pended in turn.history],
            "quote": asdict(message.quote) if message.quote else None,
        }
        print(f"TURN {self._turns} {json.dumps(shown, ensure_ascii=False)}", flush=True)
        if "SLOW" in message.text:
            await asyncio.sleep(3)
        if message.text.endswith("fail"):
            raise RuntimeError("told to fail")
        if message.text.startswith("WAIT"):
            await asyncio.Event().wait()
        return Reply(f"echo: {message.text}", markdown=False)


if __name__ == "__main__":
    sys.exit(run(Paths.from_env(os.environ), os.environ, agent=Recorder()))
