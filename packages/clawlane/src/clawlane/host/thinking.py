"""The agent as the turns of one account ask it, so that a stop can wait for answers that are being made."""

from __future__ import annotations

import asyncio

from clawlane.agents.contract import Agent, TurnInput
from clawlane.messages import Reply


class Thinking:
    """Passes turns on to an agent until `finish`."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0

    async def run(self, turn: TurnInput) -> Reply | None:
        """The agent's answer. After `finish` nothing comes back: the turn waits until it is cancelled."""
        await self._open.wait()
        self._running += 1
        self._idle.clear()
        try:
            return await self._agent.run(turn)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def finish(self) -> None:
        """Begin no answer any more; returns once none is being made."""
        self._open.clear()
        await self._idle.wait()
