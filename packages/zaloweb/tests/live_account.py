"""Our client logged in to the simulator, and waiting for what happens to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random
from typing import TypeVar

from zaloweb import CipherKey, Credentials, Event, Session, SystemClock, Transport, Zalo
from zaloweb.login import login
from zaloweb.sim.server import Simulator

E = TypeVar("E")

Events = AsyncGenerator[Event, None]


async def logged_in(sim: Simulator) -> Session:
    clock = SystemClock()
    credentials = Credentials.from_object(sim.world.credentials(), clock.now_ms())
    transport = Transport(
        sim.network, user_agent=credentials.user_agent, jar=credentials.jar, clock=clock, random=Random(1)
    )
    async with transport:
        return await login(transport, credentials, random=Random(1))


@asynccontextmanager
async def hearing(zalo: Zalo) -> AsyncIterator[Events]:
    """The events of an account that is connected and has its key."""
    async with aclosing(zalo.events()) as events:
        await until(CipherKey, events)
        yield events


async def until(kind: type[E], events: Events) -> E:
    """The next event of a kind; others are passed over."""
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the events ended before {kind.__name__} came")
