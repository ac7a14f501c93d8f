"""The event feed: what happened after a cursor that outlives restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from clawlane.mcp.tool import READS, Tool
from clawlane.mcp.values import Account, Limit, Value, account_parts, key_of, moment
from clawlane.ops.accounts import FindAccount
from clawlane.ops.asking import Asks
from clawlane.ops.events import Events, Reached, Truncated
from clawlane.store import events as stored
from clawlane.store.events import ConfigChanged, Decided, MessageRecalled, OperatorChanged, StateChanged

LONGEST_WAIT_S = 50
"""The longest that one call waits; clients give up after a minute."""


class Event(Value):
    """One event. What is empty or null does not belong to its `type`.

    `message`: something came, and `outcome` and `reason` say what was decided; `admit` leads to
    `messages_read`. `recalled`: a message was taken back, so forget what it said. `state`: the account came
    into another `phase`. `change`: somebody (`caller`: cli, console, mcp, owner …) changed something,
    `details` say what. `config`: the config file was edited.
    """

    type: Literal["message", "recalled", "state", "change", "config"]
    cursor: str
    account: str
    at: str | None
    conversation: str = ""
    message_id: str = ""
    sender_id: str = ""
    stage: str = ""
    outcome: str = ""
    reason: str = ""
    phase: str = ""
    code: str = ""
    caller: str = ""
    change: str = ""
    details: dict[str, Any] = Field(default_factory=dict)


class Feed(Value):
    """Events in their order, and the cursor behind them.

    `truncated`: events behind the cursor that you gave were pruned before you read them, so read the
    conversations anew. `more`: ask again at once.
    """

    events: list[Event]
    next_cursor: str
    truncated: bool = False
    more: bool = False


EventCursor = Annotated[
    str,
    Field(
        max_length=100,
        description="`next_cursor` of a former answer. Empty: from the oldest event that is kept;"
        " 'newest': only what happens from now on.",
    ),
]


@dataclass(frozen=True, slots=True)
class EventTools:
    asks: Asks

    def all(self) -> Sequence[Tool]:
        return (
            Tool("events_poll", "Poll events", self.poll, READS),
            Tool("events_wait", "Wait for events", self.wait, READS),
        )

    async def poll(self, cursor: EventCursor = "newest", account: Account = "", limit: Limit = 50) -> Feed:
        """Give what happened after a cursor, without waiting. Cursors stay valid over restarts."""
        return await self._read(cursor, await self._named(account), limit)

    async def wait(
        self,
        cursor: EventCursor,
        account: Account = "",
        limit: Limit = 50,
        seconds: Annotated[int, Field(ge=1, le=LONGEST_WAIT_S, description="How long to wait at most.")] = 25,
    ) -> Feed:
        """Wait until something happens after a cursor, and give it; nothing if nothing happens in time."""
        named = await self._named(account)
        if cursor == "newest":  # what happens between two questions is not missed
            cursor = (await self._read(cursor, named, 1)).next_cursor
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first(Events(cursor, named, follow=True, limit=1))
        return await self._read(cursor, named, limit)

    async def _named(self, account: str) -> str | None:
        """The account as the feed names it; None for all. Raises `OpError` for one that there is not."""
        channel, id_ = account_parts(account)
        if channel is None:
            return None
        found = await self.asks.call(FindAccount(channel, id_))
        return str(found)

    async def _first(self, request: Events) -> None:
        """Returns with the first event."""
        async with self.asks.follow(request) as events:
            async for event in events:
                if not isinstance(event, Reached | Truncated):
                    return

    async def _read(self, cursor: str, account: str | None, limit: int) -> Feed:
        found: list[Event] = []
        truncated = False
        request = Events(cursor, account, limit=limit)
        async with self.asks.follow(request) as events:
            async for event in events:
                match event:
                    case Reached():
                        cursor, more = event.cursor, event.more
                        return Feed(events=found, next_cursor=cursor, truncated=truncated, more=more)
                    case Truncated():
                        truncated = True
                    case _:
                        found.append(_event(event))
        cursor = found[-1].cursor if found else cursor
        return Feed(events=found, next_cursor=cursor, truncated=truncated, more=True)


def _event(one: stored.Event) -> Event:
    about: dict[str, Any] = {"cursor": one.cursor, "account": one.account, "at": moment(one.at_ms)}
    match one:
        case Decided():
            return Event(
                type="message",
                **about,
                conversation=key_of(one.account, one.thread),
                message_id=one.message_id,
                sender_id=one.sender_id,
                stage=one.stage,
                outcome=one.outcome,
                reason=one.reason,
            )
        case MessageRecalled():
            key, who = key_of(one.account, one.thread), {"who": one.who}
            ids = {"message_id": one.message_id, "sender_id": one.sender_id}
            return Event(type="recalled", **about, conversation=key, **ids, details=who)
        case StateChanged():
            return Event(type="state", **about, phase=one.phase, code=one.code)
        case OperatorChanged():
            return Event(type="change", **about, caller=one.caller, change=one.change, details=one.details)
        case ConfigChanged():
            counts = {"edit": one.edit, "widens": one.widens, "narrows": one.narrows}
            return Event(type="config", **about, details=counts)
