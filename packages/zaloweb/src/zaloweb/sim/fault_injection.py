"""Faults of calls: what the client gets instead of the answer, or before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from aiohttp import web

from zaloweb.sim.backend import Backend
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
from zaloweb.sim.malformed_frames import compressed_blanks

Serve = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Responder:
    """How one call is answered.

    `serve` does the call and returns its answer. `refuse` returns an answer with an error, `crooked` one that
    is hard to parse. `begin` starts what the call causes if its answer does not start it.
    """

    serve: Serve
    refuse: Callable[[Error], web.StreamResponse]
    begin: Callable[[], None] = lambda: None
    crooked: Callable[[Crooked], web.StreamResponse] = lambda fault: web.Response(text=fault.json)


async def respond(
    backend: Backend, request: web.Request, account: str, name: str, how: Responder
) -> web.StreamResponse:
    """The answer to a call, or what a fault makes of it. `account` is a uid, "" without a session."""
    fault = backend.faults.for_call(request.path, name, account)
    if fault is None:
        return await how.serve()
    backend.log.add(Meddled(account=account, path=request.path, fault=fault))
    if getattr(fault, "processed", False):
        response = await how.serve()
        how.begin()

        async def give() -> web.StreamResponse:
            return response

        how = replace(how, serve=give)
    return await _instead(request, fault, how)


async def _instead(request: web.Request, fault: AnyAnswerFault, how: Responder) -> web.StreamResponse:
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
            await _wait_for_disconnect()
        case Silence():
            await _wait_for_disconnect()
        case Bomb():
            packed = await asyncio.to_thread(compressed_blanks, fault.encoding, fault.mebibytes)
            return web.Response(body=packed, headers={"content-encoding": fault.encoding})
        case Endless():
            await _drip(request, fault)
        case Crooked():
            return how.crooked(fault)
        case Redirect():
            return web.Response(status=fault.status, headers={"location": fault.location})
    return await how.serve()


async def _drip(request: web.Request, fault: Endless) -> NoReturn:
    """The server cancels the handler when the client disconnects."""
    stream = web.StreamResponse()
    await stream.prepare(request)
    block = b" " * fault.bytes
    while True:
        await stream.write(block)
        await asyncio.sleep(fault.seconds)


async def _wait_for_disconnect() -> NoReturn:
    """The server cancels the handler when the client disconnects."""
    while True:
        await asyncio.Event().wait()
