"""Our client logged in to the simulator, and waiting for what happens to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from zaloweb import Connected, Credentials, Event, PlatformClock, Session, Zalo, log_in
from zaloweb.sim.server import Simulator

E = TypeVar("E")

Events = AsyncGenerator[Event, None]


async def logged_in(sim: Simulator, platform_clock: PlatformClock | None = None) -> Session:
    credentials = Credentials.from_object(sim.world.credentials())
    return await log_in(credentials, network=sim.network, platform_clock=platform_clock)


@asynccontextmanager
async def hearing(zalo: Zalo) -> AsyncIterator[Events]:
    """The events of an account that is connected."""
    async with aclosing(zalo.events()) as events:
        await until(Connected, events)
        yield events


async def until(kind: type[E], events: Events) -> E:
    """The next event of a kind; others are passed over."""
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the events ended before {kind.__name__} came")
