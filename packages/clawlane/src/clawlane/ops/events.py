"""The event feed: decisions, recalls, states of accounts and what was changed, from a durable cursor.

A reader holds no place in memory: what it has not read yet waits in the store, however slow it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from clawlane.ops.context import OpContext
from clawlane.ops.operation import Stream, operation
from clawlane.store.events import ConfigChanged, Decided, MessageRecalled, OperatorChanged, StateChanged
from clawlane.store.reader import Reader

_BATCH = 200
_POLL = 1.0
"""Seconds between two looks into a store that another process may write."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """Retention has taken events behind the cursor before they were told. What is left follows."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Reached:
    """The end of what is stored. With `follow` it repeats after `quiet` seconds without an event.

    There is `more` where the limit was reached first.
    """

    cursor: str
    more: bool = False


Told: TypeAlias = (
    Decided | MessageRecalled | StateChanged | OperatorChanged | ConfigChanged | Truncated | Reached
)


@dataclass(frozen=True, slots=True)
class Events(Stream[Told]):
    """What happened after a cursor, on all accounts or on one (`channel/id`).

    An empty cursor begins with the oldest event kept (a month), `newest` with what happens next. Every event
    has the cursor behind it. Without `follow` the feed ends once all is told, and at the latest after `limit`
    events, if that is not 0.
    """

    after: str = ""
    account: str | None = None
    follow: bool = False
    limit: int = 0
    quiet: float = 15.0


@operation
async def events(ctx: OpContext, request: Events) -> AsyncIterator[Told]:
    """Raises `CursorUnknown` for a cursor of another store."""
    loop, quiet = asyncio.get_running_loop(), max(0.1, request.quiet)
    cursor, due, left = request.after, 0.0, request.limit
    with ctx.listening() as heard:
        while True:
            heard.clear()
            limit = min(_BATCH, left) if left else _BATCH
            page = await ctx.ask(partial(Reader.events, after=cursor, account=request.account, limit=limit))
            if page.truncated:
                yield Truncated(cursor)
            for event in page.events:
                yield event
            cursor = page.cursor
            if left and not (left := left - len(page.events)):
                yield Reached(cursor, page.more)
                return
            if page.more:
                continue
            if page.events and due:
                due = loop.time() + quiet
            if loop.time() >= due:
                yield Reached(cursor)
                due = loop.time() + quiet
            if not request.follow:
                return
            rest = max(0.0, due - loop.time())
            with suppress(TimeoutError):
                async with asyncio.timeout(rest if ctx.store else min(_POLL, rest)):
                    await heard.wait()
