"""Typing, delivered, seen: shown to others if it can be done at once, and of no consequence if it cannot."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from clawlane.messages import Signal, Thread, Typing

_WAITING = 64
_DEADLINE = 10.0
_TYPING_DEADLINE = 3.0
"""Seconds. A reply waits for the typing that is being shown in its thread, so that does not take long."""

_PATIENCE = 1.0
"""Seconds that a reply waits for typing that could not be shown yet, because other signals come first."""

log = logging.getLogger(__name__)


class SignalQueue:
    """Sends signals in the order they came. What is too much, too slow or refused is left out."""

    def __init__(self, send: Callable[[Signal], Awaitable[None]], shown: Callable[[], None]) -> None:
        """`shown` is called after each one."""
        self._send = send
        self._shown = shown
        self._waiting: deque[Signal] = deque()
        self._news = asyncio.Event()
        self._showing: Signal | None = None
        self._too_late: dict[Thread, float] = {}

    def put(self, signal: Signal) -> None:
        """Show this soon. Never waits and never fails."""
        if len(self._waiting) >= _WAITING:
            log.debug("too much to show at once; left out: %r", signal)
            return
        self._waiting.append(signal)
        self._news.set()
        if isinstance(signal, Typing):
            loop = asyncio.get_running_loop()
            self._too_late[signal.thread] = loop.time() + _PATIENCE
            loop.call_later(_PATIENCE, self._shown)

    def answered(self, thread: Thread) -> bool:
        """A reply is about to leave. False while typing is still to be shown before it.

        Typing that could not be shown for a while is not shown any more.
        """
        typing = Typing(thread)
        if typing in self._waiting:
            if asyncio.get_running_loop().time() < self._too_late[thread]:
                return False
            self._waiting = deque(signal for signal in self._waiting if signal != typing)
        return self._showing != typing

    async def run(self) -> None:
        """Lives until cancelled."""
        while True:
            while self._waiting:
                await self._show(self._waiting.popleft())
            self._news.clear()
            await self._news.wait()

    async def _show(self, signal: Signal) -> None:
        self._showing = signal
        try:
            async with asyncio.timeout(_TYPING_DEADLINE if isinstance(signal, Typing) else _DEADLINE):
                await self._send(signal)
        except Exception as error:
            log.info("%s in %s was not shown: %r", type(signal).__name__, signal.thread, error)
        finally:
            self._showing = None
            if Typing(signal.thread) not in self._waiting:
                self._too_late.pop(signal.thread, None)
            self._shown()
