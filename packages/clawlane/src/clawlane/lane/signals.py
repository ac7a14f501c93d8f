"""Typing, delivered and seen: signals to the other side, best-effort and never stored."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from clawlane.access.decision import Decision, Outcome, ack_signals
from clawlane.config.choices import Acks, OutboundMode
from clawlane.messages import Delivered, Inbound, Seen, Signal, Thread, Typing

_MOST_WAITING = 64
_DEADLINE = 10.0
_TYPING_DEADLINE = 3.0
"""Seconds, short because a reply waits for the typing signal in its thread."""

_PATIENCE = 1.0
"""Seconds a reply waits for a typing signal that is queued behind others."""

log = logging.getLogger(__name__)


def after_decision(
    inbound: Inbound, decision: Decision, acks: Acks, mode: OutboundMode = OutboundMode.AUTO
) -> list[Signal]:
    """The signals to show as soon as a message is decided. Typing follows when its turn starts.

    None for a message without a token, which the platform needs for a signal.
    """
    if not inbound.token:
        return []
    shown: list[Signal] = []
    wanted = ack_signals(decision.outcome, acks, mode)
    if wanted.delivered:
        shown.append(Delivered(inbound.thread, inbound.message_id, wanted.seen, inbound.token))
    if wanted.seen:
        shown.append(Seen(inbound.thread, inbound.message_id, inbound.token))
    return shown


def with_reply(messages: Iterable[Inbound], acks: Acks, mode: OutboundMode) -> list[Signal]:
    """The signals to show once a part of the reply to these messages has arrived."""
    if not ack_signals(Outcome.ADMIT, acks, mode).seen_with_reply:
        return []
    return [Seen(one.thread, one.message_id, one.token) for one in messages if one.token]


class SignalQueue:
    """Shows signals one by one, in order. Drops signals that are too many, too slow or refused."""

    def __init__(
        self,
        show: Callable[[Signal], Awaitable[None]],
        typing_over: Callable[[], None],
        note: Callable[[Signal, str], None] = lambda _signal, _error: None,
    ) -> None:
        """`typing_over` is called when a reply no longer has to wait for typing.

        `note` is called with what became of each signal: an empty text, or why it was not shown.
        """
        self._send = show
        self._typing_over = typing_over
        self._note = note
        self._waiting: deque[Signal] = deque()
        self._news = asyncio.Event()
        self._showing: Signal | None = None
        self._too_late: dict[Thread, asyncio.TimerHandle] = {}
        """What calls `typing_over` in the threads whose typing is still to be shown, and when."""

    def put(self, signal: Signal) -> None:
        """Show this soon. Never waits and never fails."""
        if len(self._waiting) >= _MOST_WAITING:
            log.debug("%d signals wait; %s is left out", _MOST_WAITING, type(signal).__name__)
            self._note(signal, f"left out: {_MOST_WAITING} signals were waiting")
            return
        self._waiting.append(signal)
        self._news.set()
        if isinstance(signal, Typing):
            self._no_longer_late(signal.thread)
            loop = asyncio.get_running_loop()
            self._too_late[signal.thread] = loop.call_later(_PATIENCE, self._typing_over)

    def typing_first(self) -> set[Thread]:
        """The threads in which a typing signal has to be shown before a reply."""
        now = asyncio.get_running_loop().time()
        first = {thread for thread, too_late in self._too_late.items() if now < too_late.when()}
        if isinstance(self._showing, Typing):
            first.add(self._showing.thread)
        return first

    def answered(self, thread: Thread) -> bool:
        """Whether a reply may leave, because no typing signal has to be shown before it.

        Drops a typing signal that has waited too long.
        """
        if thread not in self._too_late:
            return True
        typing = Typing(thread)
        if typing in self._waiting:
            if asyncio.get_running_loop().time() < self._too_late[thread].when():
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
        is_typing = isinstance(signal, Typing)
        deadline = _TYPING_DEADLINE if is_typing else _DEADLINE
        try:
            async with asyncio.timeout(deadline):
                await self._send(signal)
            self._note(signal, "")
        except Exception as error:
            log.info("%s in %s was not shown: %r", type(signal).__name__, signal.thread, error)
            late = isinstance(error, TimeoutError)
            self._note(signal, f"no answer within {deadline:.0f} s" if late else _why(error))
        finally:
            self._showing = None
            if signal.thread in self._too_late and Typing(signal.thread) not in self._waiting:
                self._no_longer_late(signal.thread)
            if is_typing:
                self._typing_over()

    def _no_longer_late(self, thread: Thread) -> None:
        if too_late := self._too_late.pop(thread, None):
            too_late.cancel()


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
