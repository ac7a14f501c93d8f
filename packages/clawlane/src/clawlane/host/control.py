"""The control socket: HTTP and JSON on a Unix socket that only the gateway's user can open.

    GET  /ping                                          {"ok": true}
    GET  /status[?probe=1]                              see `clawlane.host.status`
    …    /pairing/…                                     see `clawlane.host.control_pairing`
    POST /accounts/start?channel=C[&account=A]          the account's status
    POST /accounts/stop?channel=C[&account=A]           the account's status
    POST /pause?…, /resume?…                            see `clawlane.host.pause_commands`
    POST /outbox?…, /dead-letters?…                     see `clawlane.host.control_rulings`
    GET  /directory/…                                   see `clawlane.host.control_directory`

What cannot be done is answered with 400, or 500 for a defect, and {"message", "help"}.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from clawlane.abilities import DirectoryError
from clawlane.host import control_directory as directory
from clawlane.host import control_pairing as pairing
from clawlane.host import control_rulings as rulings
from clawlane.host.fleet import Fleet
from clawlane.host.lookup import Lookup
from clawlane.host.pause_commands import PauseCommands
from clawlane.host.status import StatusBook
from clawlane.host.supervisor import Supervisor
from clawlane.store.errors import StoreError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


class Bad(Exception):
    """A request that cannot be done, in one line; `help` is what mends it."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Control:
    """Answers commands from what the gateway knows."""

    def __init__(self, fleet: Fleet, status: StatusBook) -> None:
        self._fleet = fleet
        self._status = status
        self._pauses = PauseCommands(fleet.config, fleet.store, fleet.pauses)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_errors, self._begun])
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/status", self._all)
        app.router.add_post("/accounts/start", self._start)
        app.router.add_post("/accounts/stop", self._stop)
        app.router.add_post("/pause", self._pause)
        app.router.add_post("/resume", self._resume)
        app.add_routes(pairing.routes(self._fleet.pairings, channel_of))
        app.add_routes(directory.routes(self._lookup))
        app.add_routes(rulings.routes(self._fleet.rulings, channel_of))
        return app

    @web.middleware
    async def _begun(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nothing is changed before every account has its owner."""
        if request.method == "POST":
            await self._fleet.begun.wait()
        return await handler(request)

    async def _ping(self, _request: web.Request) -> web.Response:
        return _json({"ok": True})

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
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
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


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (Bad, StoreError, DirectoryError) as error:
        return _json({"message": str(error), "help": getattr(error, "help", "")}, status=400)
    except web.HTTPException as error:
        return _json({"message": f"{request.path}: {error.reason}", "help": ""}, status=error.status)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.exception("%s failed", request.path)
        message = f"{request.path} failed in the gateway ({type(error).__name__}); its log says more"
        return _json({"message": message, "help": ""}, status=500)


def channel_of(request: web.Request) -> str:
    """The channel that a request names. Raises `Bad`."""
    try:
        return request.query["channel"]
    except KeyError:
        raise Bad("no channel was named", "add channel=…") from None


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value), status=status, content_type="application/json")
