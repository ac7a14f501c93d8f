"""The control socket: HTTP and JSON on a Unix socket that only the gateway's user can open.

    GET  /ping       {"ok": true}
    POST /op/NAME    runs the operation of that name (see `clawlane.ops.operation`): the body is its request,
                     the header `Caller` names the caller and `Locale` its language; the answer is its
                     result, or one line per event, and its header `Timezone` the zone in which its times
                     are shown

The header `Version` of each answer names the version of the gateway. An error is answered with 400, or 500
for a defect, and {"message", "help"}, with "unanswered" where another node was asked and may still do it.
What only another version can have asked is answered with 404 (no such operation) or 422 (not its request).
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
from typing import Any

from aiohttp import web

from clawlane import __version__
from clawlane.capabilities import DirectoryError
from clawlane.channel import VaultError
from clawlane.config.errors import ConfigError
from clawlane.credentials.files import CredentialsError
from clawlane.finishing import finished
from clawlane.gateway.accounts import Accounts
from clawlane.ops.client import LOCALE_FIELD, VERSION_FIELD, ZONE_FIELD
from clawlane.ops.context import OpContext
from clawlane.ops.operation import (
    Caller,
    Operation,
    OpError,
    Unanswered,
    decode,
    encode,
    encode_event,
    find,
)
from clawlane.plugins.errors import PluginError
from clawlane.store.errors import StoreError
from clawlane.texts import LOCALES, later, speak, t, told

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class Control:
    """Runs operations for the clients of the socket."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._ends = False
        self._streams: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_errors])
        app.on_shutdown.append(self._end_streams)
        app.router.add_get("/ping", self._ping)
        app.router.add_post("/op/{name}", self._operation)
        return app

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.json_response({"ok": True}, headers=self._head())

    async def _operation(self, request: web.Request) -> web.StreamResponse:
        asked_in = request.headers.get(LOCALE_FIELD, "")
        speak((lambda: asked_in) if asked_in in LOCALES else self._accounts.locale)
        operation = _found(request.match_info["name"])
        if operation.changes:
            await self._accounts.begun.wait()
        asked = _asked(await request.read(), operation)
        try:
            caller = Caller(request.headers.get("Caller", Caller.CLI))
        except ValueError:
            raise OpError("the header Caller names no known caller") from None
        ctx = self._accounts.context(caller)
        if operation.events:
            return await self._stream(request, operation, ctx, asked)
        answer = encode(await finished(operation.run(ctx, asked), operation.name))
        return web.Response(body=answer, headers=self._head(), content_type="application/json")

    def _head(self) -> dict[str, str]:
        """The version that answers, and the zone to show times in; empty for the machine's."""
        return {ZONE_FIELD: self._accounts.zone().name, VERSION_FIELD: __version__}

    async def _stream(
        self, request: web.Request, operation: Operation, ctx: OpContext, asked: object
    ) -> web.StreamResponse:
        """One line of JSON per event. A slow client applies back-pressure; one that disconnects cancels."""
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl", **self._head()})
        await response.prepare(request)

        async def write() -> None:
            async with aclosing(operation.run(ctx, asked)) as events:
                try:
                    async for event in events:
                        await response.write(encode_event(event))
                except ConnectionError:
                    log.debug("%s: the client has disconnected", operation.name)
                except Exception as error:
                    if not isinstance(error, OURS):
                        log.exception("%s failed", operation.name)
                    await response.write(_error_line(request, error))

        running = asyncio.create_task(write())
        self._streams.add(running)
        running.add_done_callback(self._streams.discard)
        try:
            await running
        except asyncio.CancelledError:
            if not self._ends:
                raise
            with suppress(ConnectionError):
                await response.write(_error_line(request, OpError(later("the gateway stops"))))
        return response

    async def _end_streams(self, _app: web.Application) -> None:
        """End the streams: one may have no end of its own."""
        self._ends = True
        for running in self._streams:
            running.cancel()


@asynccontextmanager
async def listening(app: web.Application, path: Path) -> AsyncIterator[None]:
    """Serve on a Unix socket, 0600, while entered. The file is gone afterwards."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, handler_cancellation=True)
    await runner.setup()
    try:
        # Closed to others before anybody can connect, which takes the `listen` of the site.
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bound.bind(str(path))
        os.chmod(path, 0o600)
        await web.SockSite(runner, bound).start()
        yield
    finally:
        await runner.cleanup()
        os.unlink(path)


OURS = (ConfigError, CredentialsError, DirectoryError, OpError, PluginError, StoreError, VaultError)
"""Errors whose text is for the operator."""


class _NotUnderstood(OpError):
    """A question of a client of another version."""

    def __init__(self, error: OpError, status: int) -> None:
        super().__init__(error.args[0], error.help)
        self.status = status


def _found(name: str) -> Operation:
    try:
        return find(name)
    except OpError as error:
        raise _NotUnderstood(error, 404) from None


def _asked(body: bytes, operation: Operation) -> object:
    try:
        return decode(body, operation.request)
    except OpError as error:
        raise _NotUnderstood(error, 422) from None


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _NotUnderstood as error:
        return _json(error_fields(request.path, error), status=error.status)
    except OURS as error:
        return _json(error_fields(request.path, error), status=400)
    except web.HTTPException as error:
        return _json({"message": f"{request.path}: {error.reason}", "help": ""}, status=error.status)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.exception("%s failed", request.path)
        return _json(error_fields(request.path, error), status=500)


def error_fields(asked: str, error: Exception) -> dict[str, Any]:
    """An error as it is told to whoever asked for an operation."""
    if isinstance(error, ConfigError):
        return {"message": str(error), "help": "", "problems": [asdict(one) for one in error.problems]}
    if isinstance(error, OURS):
        said = {"message": told(error), "help": t(getattr(error, "help", ""))}
        return {**said, "unanswered": True} if isinstance(error, Unanswered) else said
    what = later(
        "{operation} failed in the gateway ({error}); its log says more",
        operation=asked,
        error=type(error).__name__,
    )
    return {"message": t(what), "help": "openclaw logs --level error"}


def _error_line(request: web.Request, error: Exception) -> bytes:
    return json.dumps(error_fields(request.path, error)).encode() + b"\n"


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    head = {VERSION_FIELD: __version__}
    return web.Response(text=json.dumps(value), status=status, headers=head, content_type="application/json")
