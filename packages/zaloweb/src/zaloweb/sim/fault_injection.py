"""Where the faults of a world come between a call and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from aiohttp import web

from zaloweb.sim import compression_bombs
from zaloweb.sim.event_log import Meddled
from zaloweb.sim.faults import (
    AnyAnswerFault,
    Bomb,
    Crooked,
    Endless,
    Error,
    Redirect,
    Reset,
    Silence,
    Slow,
    Status,
)
from zaloweb.sim.world import World

Serve = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Answering:
    """How one call is answered.

    `serve` does it and gives the answer. `refuse` gives an answer that holds an error, `crooked` one that is
    hard to read. `begin` starts what the call set off, when its answer is not to be waited for.
    """

    serve: Serve
    refuse: Callable[[Error], web.StreamResponse]
    begin: Callable[[], None] = lambda: None
    crooked: Callable[[Crooked], web.StreamResponse] = lambda fault: web.Response(text=fault.json)


async def answered(
    world: World, request: web.Request, account: str, name: str, how: Answering
) -> web.StreamResponse:
    """The answer to a call, or what a fault makes of it."""
    fault = world.faults.for_call(request.path, name, account)
    if fault is None:
        return await how.serve()
    world.log.add(Meddled(account=account, path=request.path, fault=fault))
    if not getattr(fault, "processed", False):
        return await _instead(request, fault, how)
    response = await how.serve()
    how.begin()
    return await _instead(request, fault, replace(how, serve=_giving(response)))


async def _instead(request: web.Request, fault: AnyAnswerFault, how: Answering) -> web.StreamResponse:
    match fault:
        case Error():
            return how.refuse(fault)
        case Status():
            headers = {"retry-after": fault.retry_after} if fault.retry_after else None
            return web.Response(status=fault.status, text=fault.body, headers=headers)
        case Slow():
            await asyncio.sleep(fault.seconds)
        case Reset():
            if request.transport is not None:
                request.transport.abort()
            await _until_the_client_is_gone()
        case Silence():
            await _until_the_client_is_gone()
        case Bomb():
            packed = await asyncio.to_thread(compression_bombs.packed, fault.encoding, fault.mebibytes)
            return web.Response(body=packed, headers={"content-encoding": fault.encoding})
        case Endless():
            await _drip(request, fault)
        case Crooked():
            return how.crooked(fault)
        case Redirect():
            return web.Response(status=fault.status, headers={"location": fault.location})
    return await how.serve()


def _giving(response: web.StreamResponse) -> Serve:
    async def serve() -> web.StreamResponse:
        return response

    return serve


async def _drip(request: web.Request, fault: Endless) -> NoReturn:
    """The front cancels a handler whose client goes away."""
    stream = web.StreamResponse()
    await stream.prepare(request)
    block = b" " * fault.bytes
    while True:
        await stream.write(block)
        await asyncio.sleep(fault.seconds)


async def _until_the_client_is_gone() -> NoReturn:
    """The front cancels a handler whose client goes away."""
    while True:
        await asyncio.Event().wait()
