"""Typing, delivered, seen: shown to others if it can be done at once, and of no consequence if it cannot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from clawlane.messages import Signal

_WAITING = 64
_DEADLINE = 10.0
log = logging.getLogger(__name__)


class SignalQueue:
    """Sends signals in the order they came. What is too much, too slow or refused is left out."""

    def __init__(self, send: Callable[[Signal], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: asyncio.Queue[Signal] = asyncio.Queue(_WAITING)

    def put(self, signal: Signal) -> None:
        """Show this soon. Never waits and never fails."""
        try:
            self._waiting.put_nowait(signal)
        except asyncio.QueueFull:
            log.debug("too much to show at once; left out: %r", signal)

    async def run(self) -> None:
        """Lives until cancelled."""
        while True:
            signal = await self._waiting.get()
            try:
                async with asyncio.timeout(_DEADLINE):
                    await self._send(signal)
            except Exception as error:
                log.info("%s in %s was not shown: %r", type(signal).__name__, signal.thread, error)
