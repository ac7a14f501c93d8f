"""`openclaw gateway run` with an agent that prints what it is given, for tests that start it as a process.

A line `TURN 1 {…}` for each turn: `text`, `context` (the marked history), `history` and `quote`. It answers
with an echo, fails on a text that ends in `fail`, and never answers one that begins with `WAIT`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict

from clawlane.access.history import render
from clawlane.agents.contract import TurnInput
from clawlane.config.places import Places
from clawlane.host.gateway import run
from clawlane.messages import Reply


class Recorder:
    """Counts the turns, so that a test can ask for each of them."""

    def __init__(self) -> None:
        self._turns = 0

    async def run(self, turn: TurnInput) -> Reply | None:
        self._turns += 1
        told = {
            "text": turn.message.text,
            "context": render(turn.history),
            "history": [asdict(pended) for pended in turn.history],
            "quote": asdict(turn.message.quote) if turn.message.quote else None,
        }
        print(f"TURN {self._turns} {json.dumps(told, ensure_ascii=False)}", flush=True)
        if turn.message.text.endswith("fail"):
            raise RuntimeError("told to fail")
        if turn.message.text.startswith("WAIT"):
            await asyncio.Event().wait()
        return Reply(f"echo: {turn.message.text}")


if __name__ == "__main__":
    sys.exit(run(Places.from_env(os.environ), os.environ, agent=Recorder()))
