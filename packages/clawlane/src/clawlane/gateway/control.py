"""The control socket: HTTP and JSON on a Unix socket that only the gateway's user can open.

    GET  /ping                                          {"ok": true}
    GET  /status[?probe=1]                              see `clawlane.gateway.status`
    …    /pairing/…                                     see `clawlane.gateway.control`
    POST /accounts/start?channel=C[&account=A]          the account's status
    POST /accounts/stop?channel=C[&account=A]           the account's status
    POST /pause?…, /resume?…                            see `clawlane.ops.pause`
    POST /outbox?…, /dead-letters?…                     see `clawlane.gateway.control`
    GET  /directory/…                                   see `clawlane.gateway.control`

What cannot be done is answered with 400, or 500 for a defect, and {"message", "help"}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from clawlane.capabilities import DirectoryError
from clawlane.channel import VaultError
from clawlane.config.errors import ConfigError
from clawlane.credentials.files import CredentialsError
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.status import StatusBook
from clawlane.gateway.supervisor import Supervisor
from clawlane.ops.context import OpContext
from clawlane.ops.directory import Lookup
from clawlane.ops.messages import Resolution, Resolutions
from clawlane.ops.operation import Caller, Operation, OpError, decode, encode, encode_event, find
from clawlane.ops.pause import PauseCommands
from clawlane.plugins.errors import PluginError
from clawlane.store.errors import NoDeadLetter, NotInOutbox, StoreError

Find = Callable[[web.Request], Lookup]
"""The account that a request means."""


def directory_routes(find: Find) -> list[web.RouteDef]:
    """The routes, for the control socket. They raise `DirectoryError`."""

    def answering(name: str, ask: Callable[[Lookup, web.Request], Awaitable[Any]]) -> web.RouteDef:
        async def answer(request: web.Request) -> web.Response:
            found = await ask(find(request), request)
            told = [asdict(one) for one in found] if isinstance(found, list) else asdict(found)
            return web.Response(text=json.dumps({name: told}), content_type="application/json")

        return web.get(f"/directory/{name}", answer)

    return [
        answering("self", lambda lookup, _: lookup.self_()),
        answering("peers", lambda lookup, _: lookup.peers()),
        answering("groups", lambda lookup, _: lookup.groups()),
        answering("members", lambda lookup, request: lookup.members(request.query.get("group", ""))),
    ]


def ruling_routes(rulings: Resolutions, channel_of: Callable[[web.Request], str]) -> list[web.RouteDef]:
    """The routes, for the control socket. They raise `NotInOutbox` and `NoDeadLetter`."""

    async def outbox(request: web.Request) -> web.Response:
        number, ruling = request.query.get("id", ""), request.query.get("ruling", "")
        if not number.isdecimal() or ruling not in (Resolution.RESEND, Resolution.ARRIVED, Resolution.DROP):
            raise NotInOutbox("name a message of the outbox by its number, and resend, arrived or drop")
        return _json(await rulings.send(Resolution(ruling), int(number)))

    async def letters(request: web.Request) -> web.Response:
        ruling, message = request.query.get("ruling", ""), request.query.get("message", "")
        if ruling not in (Resolution.RESUBMIT, Resolution.DROP):
            raise NoDeadLetter("name a message that was set aside, and resubmit or drop")
        account = request.query.get("account")
        return _json(await rulings.letter(Resolution(ruling), channel_of(request), account, message))

    return [web.post("/outbox", outbox), web.post("/dead-letters", letters)]


T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class Bad(Exception):
    """A request that cannot be done, in one line; `help` is what mends it."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Control:
    """Answers commands from what the gateway knows."""

    def __init__(self, fleet: Accounts, status: StatusBook) -> None:
        self._fleet = fleet
        self._status = status
        self._pauses = PauseCommands(fleet.config, fleet.store, fleet.pauses)
        self._ends = False
        self._streams: set[asyncio.Task[Any]] = set()
        self._answering: set[asyncio.Future[Any]] = set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_errors, self._begun])
        app.on_shutdown.append(self._end_streams)
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/status", self._all)
        app.router.add_post("/accounts/start", self._start)
        app.router.add_post("/accounts/stop", self._stop)
        app.router.add_post("/pause", self._pause)
        app.router.add_post("/resume", self._resume)
        app.router.add_post("/op/{name}", self._operation)
        app.add_routes(directory_routes(self._lookup))
        app.add_routes(ruling_routes(self._fleet.rulings, channel_of))
        return app

    @web.middleware
    async def _begun(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nothing is changed before every account has its owner."""
        if request.path.startswith("/op/"):
            return await handler(request)
        if request.method == "POST":
            await self._fleet.begun.wait()
        return await self._to_its_end(handler(request))

    async def _to_its_end(self, answer: Awaitable[T]) -> T:
        """What came of something that is done even if whoever asked leaves meanwhile."""
        running = asyncio.ensure_future(answer)
        self._answering.add(running)
        running.add_done_callback(self._answering.discard)
        return await asyncio.shield(running)

    async def _ping(self, _request: web.Request) -> web.Response:
        return _json({"ok": True})

    async def _operation(self, request: web.Request) -> web.StreamResponse:
        operation = find(request.match_info["name"])
        if operation.changes:
            await self._fleet.begun.wait()
        asked = decode(await request.read(), operation.request)
        ctx = self._fleet.context(_caller(request))
        if operation.events:
            return await self._stream(request, operation, ctx, asked)
        result = await self._to_its_end(operation.run(ctx, asked))
        return web.Response(body=encode(result), content_type="application/json")

    async def _stream(
        self, request: web.Request, operation: Operation, ctx: OpContext, asked: object
    ) -> web.StreamResponse:
        """One line of JSON an event. A slow reader holds the operation back; one that leaves ends it."""
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        running = asyncio.ensure_future(_write(response, request, operation, ctx, asked))
        self._streams.add(running)
        running.add_done_callback(self._streams.discard)
        try:
            await running
        except asyncio.CancelledError:
            if not self._ends:
                raise
            with suppress(ConnectionError):
                await response.write(json.dumps(_told(request, Bad("the gateway stops"))).encode() + b"\n")
        return response

    async def _end_streams(self, _app: web.Application) -> None:
        """A stream may have no end of its own: the gateway does not wait for that."""
        self._ends = True
        for running in self._streams:
            running.cancel()

    async def _all(self, request: web.Request) -> web.Response:
        return _json(await self._status.all(probe=request.query.get("probe") == "1"))

    async def _start(self, request: web.Request) -> web.Response:
        supervisor = self._meant(request)
        if not supervisor.parts.account.enabled:
            raise Bad(f"{supervisor.parts.account} is disabled in the config", "set enabled: true")
        await supervisor.restart()
        return _json(await self._status.one(supervisor))

    async def _stop(self, request: web.Request) -> web.Response:
        supervisor = self._meant(request)
        await supervisor.stop()
        return _json(await self._status.one(supervisor))

    async def _pause(self, request: web.Request) -> web.Response:
        return _json(await self._pauses.pause(request.query))

    async def _resume(self, request: web.Request) -> web.Response:
        answer = await self._pauses.resume(request.query)
        for one in answer["resumed"]:
            whole = "account" in request.query and one["thread"] is None
            one["taken_back"] = whole and await self._fleet.supervisors[one["account"]].take_back()
        return _json(answer)

    def _lookup(self, request: web.Request) -> Lookup:
        return self._fleet.lookup(str(self._meant(request).parts.account))

    def _meant(self, request: web.Request) -> Supervisor:
        channel, account = channel_of(request), request.query.get("account")
        found = self._fleet.find(channel, account)
        if found is None:
            name = f"{channel}/{account}" if account else channel
            raise Bad(
                f"the running gateway has no {name}", "restart the gateway after a change of the config"
            )
        return found


@asynccontextmanager
async def listening(app: web.Application, path: Path) -> AsyncIterator[None]:
    """Serve on a Unix socket, 0600, while entered. The file is gone afterwards."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, handler_cancellation=True)
    await runner.setup()
    try:
        await web.SockSite(runner, _private_socket(path)).start()
        yield
    finally:
        await runner.cleanup()
        os.unlink(path)


def _private_socket(path: Path) -> socket.socket:
    """Bound and closed to others before anybody can connect: that takes the `listen` which follows."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bound.bind(str(path))
    path.chmod(0o600)
    return bound


_OURS = (Bad, ConfigError, CredentialsError, DirectoryError, OpError, PluginError, StoreError, VaultError)
"""Errors whose text is for the operator."""


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _OURS as error:
        return _json(_told(request, error), status=400)
    except web.HTTPException as error:
        return _json({"message": f"{request.path}: {error.reason}", "help": ""}, status=error.status)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.exception("%s failed", request.path)
        return _json(_told(request, error), status=500)


def _told(request: web.Request, error: Exception) -> dict[str, Any]:
    if isinstance(error, ConfigError):
        return {"message": str(error), "help": "", "problems": [asdict(one) for one in error.problems]}
    if isinstance(error, _OURS):
        return {"message": str(error), "help": str(getattr(error, "help", ""))}
    what = f"{request.path} failed in the gateway ({type(error).__name__}); its log says more"
    return {"message": what, "help": ""}


def _caller(request: web.Request) -> Caller:
    try:
        return Caller(request.headers.get("Caller", Caller.CLI))
    except ValueError:
        raise OpError("the header Caller names nobody that may ask") from None


async def _write(
    response: web.StreamResponse, request: web.Request, operation: Operation, ctx: OpContext, asked: object
) -> None:
    async with aclosing(operation.run(ctx, asked)) as events:
        try:
            async for event in events:
                await response.write(encode_event(event))
        except ConnectionError:
            log.debug("%s: whoever asked has left", operation.name)
        except Exception as error:
            if not isinstance(error, _OURS):
                log.exception("%s failed", operation.name)
            await response.write(json.dumps(_told(request, error)).encode() + b"\n")


def channel_of(request: web.Request) -> str:
    """The channel that a request names. Raises `Bad`."""
    try:
        return request.query["channel"]
    except KeyError:
        raise Bad("no channel was named", "add channel=…") from None


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value), status=status, content_type="application/json")
