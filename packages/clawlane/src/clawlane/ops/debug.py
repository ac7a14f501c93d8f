"""The debug level of one account, for a while: its frames and calls as they pass, and its lines in the log.

It lives as long as whoever asked for it: once that caller is gone, or the time is over, it is off again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from clawlane.capabilities import CanTrace, Traced
from clawlane.config.duration import duration_text
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Stream, operation
from clawlane.ops.running import live_account
from clawlane.texts import later

LONGEST_S = 24 * 3600
"""Seconds that the level may be asked for at once."""

_A_SECOND = 200
"""Lines of one second; the others are counted."""

_WAITING = 1000
"""Lines that wait for a slow reader."""

_ALIVE_S = 15.0
"""Seconds of silence after which the reader is told that all is well."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Began:
    """From now on the lines of `account` (`channel/id`) are told, until `until_ms`."""

    account: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Line:
    """A frame or a call, and when it was over."""

    at_ms: int
    traced: Traced


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many lines fell too fast, and are not told."""

    count: int


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing happened for some seconds."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The time is over, and the level is off again: how many lines were told, and how many left out."""

    lines: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Debug(Stream[Began | Line | LeftOut | Alive | Ended]):
    """Set the debug level of an account for so many seconds, at most `LONGEST_S`."""

    channel: str | None = None
    account: str | None = None
    seconds: float = 600.0


@operation
async def debug(ctx: OpContext, request: Debug) -> AsyncIterator[Began | Line | LeftOut | Alive | Ended]:
    """Raises `OpError` for a channel that cannot tell, and for an account that does not run."""
    if not 0 < request.seconds <= LONGEST_S:
        raise OpError(later("--for takes a time between 1s and {most}", most="24h"), "--for 10m")
    target = ctx.target(request.channel, request.account)
    live = live_account(ctx, target.account.channel, target.account.id)
    channel, name = live.channel, str(live.account)
    if not isinstance(channel, CanTrace):
        raise OpError(later("the channel {channel} tells of no frames or calls", channel=target.manifest.id))
    loop = asyncio.get_running_loop()
    ends, lines = loop.time() + request.seconds, _Lines(name, loop.time, ctx.now_ms)
    written = duration_text(timedelta(seconds=request.seconds))
    with live.debug_lines(), channel.trace(live.account, lines.take):
        log.info("%s: the level is debug for %s", name, written)
        try:
            yield Began(name, ctx.now_ms() + round(1000 * request.seconds))
            while (rest := ends - loop.time()) > 0:
                for event in await lines.next(min(rest, _ALIVE_S)):
                    yield event
            for event in lines.taken():
                yield event
        finally:
            log.info("%s: the level debug ended: %d lines, %d left out", name, lines.told, lines.left_out)
    yield Ended(lines.told, lines.left_out)


class _Lines:
    """What a channel told and the reader has not taken yet. Each line goes to the log as well."""

    def __init__(self, account: str, time: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self.told = self.left_out = 0
        self._account = account
        self._time = time
        self._now_ms = now_ms
        self._second = float("-inf")
        self._of_second = self._unsaid = 0
        self._waiting: deque[Line] = deque()
        self._news = asyncio.Event()

    def take(self, one: Traced) -> None:
        """Called by the channel in the middle of its work."""
        now = self._time()
        if now - self._second >= 1:
            self._second, self._of_second = now, 0
        self._news.set()
        if self._of_second >= _A_SECOND or len(self._waiting) >= _WAITING:
            self.left_out += 1
            self._unsaid += 1
            return
        self._of_second += 1
        self.told += 1
        self._waiting.append(Line(self._now_ms(), one))
        log.debug("%s: %s", self._account, traced_text(one))

    async def next(self, seconds: float) -> list[Line | LeftOut | Alive]:
        """What is new, or else after so many seconds that nothing is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return [*self.taken()] or [Alive()]

    def taken(self) -> list[Line | LeftOut]:
        """What is new, without waiting."""
        self._news.clear()
        found: list[Line | LeftOut] = [*self._waiting]
        self._waiting.clear()
        if self._unsaid:
            found.append(LeftOut(self._unsaid))
            self._unsaid = 0
        return found


def traced_text(one: Traced) -> str:
    """A frame or call in the log: `call send text: 340 bytes out, 87 in, 45 ms, HTTP 200, code 0`."""
    sizes = (("out", one.sent), ("in", one.received))
    facts = [f"{size} bytes {way}" for way, size in sizes if size is not None]
    facts += [f"{one.ms:.0f} ms"] if one.ms is not None else []
    facts += [f"HTTP {one.status}"] if one.status is not None else []
    facts += [f"code {one.code}"] if one.code is not None else []
    return f"{one.kind} {one.name}: {', '.join([*facts, *filter(None, [one.error])])}"
