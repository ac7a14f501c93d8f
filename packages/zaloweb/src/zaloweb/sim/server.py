"""The simulator: a world, and the TLS server through which clients reach it."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from aiohttp import web

from zaloweb.sim.api import Api, enveloped, refused
from zaloweb.sim.errors import Refusal
from zaloweb.sim.event_log import Downloaded, Refused, reached
from zaloweb.sim.fault_injection import Responder, respond
from zaloweb.sim.http_server import Authority, TlsServer
from zaloweb.sim.media import HOST as MEDIA_HOST
from zaloweb.sim.registry import User
from zaloweb.sim.routes import (
    attachments,
    directory,
    friends,
    groups,
    login,
    message_actions,
    qr,
    receipts,
    stickers,
    texts,
)
from zaloweb.sim.services import SERVICES, SOCKET_HOSTS
from zaloweb.sim.websocket import listen
from zaloweb.sim.world import World
from zaloweb.transport.network import Network

ROUTES = [
    route
    for part in (texts, stickers, attachments, message_actions, receipts, directory, friends, groups)
    for route in part.ROUTES
]
"""Every call to a service that the simulator answers."""

_PAGES = {**qr.PAGES, **login.PAGES}
_NOTHING_HERE = 404


class Simulator:
    """Serves a world on loopback while entered; several may serve the same one.

    `port` 0 takes a free port. The authority's certificate is written to `ca_file`, or to a temporary file
    that is removed at the end. A client with `network` reaches this simulator and nothing else.
    """

    def __init__(
        self, world: World | None = None, *, port: int = 0, ca_file: str | os.PathLike[str] | None = None
    ) -> None:
        self.world = world or World()
        self.port = port
        self._ca_file = None if ca_file is None else Path(ca_file)
        self._api = Api(self.world, ROUTES)
        self._resources = AsyncExitStack()

    @property
    def ca_file(self) -> Path:
        """The certificate to trust; it exists once the simulator is entered."""
        assert self._ca_file is not None, "enter the simulator first"
        return self._ca_file

    @property
    def network(self) -> Network:
        """The network for clients in this process."""
        return Network.loopback(self.port, self.ca_file)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variable that sends another process of ours here."""
        return {"ZALOWEB_NETWORK": f"127.0.0.1:{self.port},{self.ca_file}"}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self._ca_file is None:
                folder = stack.enter_context(TemporaryDirectory(prefix="zaloweb-sim-"))
                self._ca_file = Path(folder) / "ca.pem"
            authority = Authority()
            authority.write(self._ca_file)
            server = await stack.enter_async_context(
                TlsServer(self._answer, authority, self.port, date=self._date)
            )
            self.port = server.port
            stack.push_async_callback(self.world.close)
            self._resources = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    def _date(self) -> str | None:
        clock = self.world.clock
        return clock.date() if clock.shown else None

    async def drop(self, code: int = 1006, account: User | None = None) -> None:
        """End the account's WebSocket: 1006 cuts the connection, other codes are sent as close codes."""
        await self.world.drop(code, account)

    async def kick(self, account: User | None = None) -> None:
        """Close the account's WebSocket as Zalo does when it ends a session: 3003."""
        await self.world.kick(account)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        reached.set(self.port)
        host = request.host.partition(":")[0]
        if host in SERVICES:
            return await self._api.answer(request)
        session = self.world.sessions.of(request.cookies) or self.world.sessions.signed_in(request.cookies)
        account = session.account.uid if session else ""
        name = "listen" if host in SOCKET_HOSTS else "download" if host == MEDIA_HOST else ""
        how = Responder(
            lambda: self._page(host, request), lambda fault: enveloped(None, fault.code, fault.message)
        )
        return await respond(self.world, request, account, name, how)

    async def _page(self, host: str, request: web.Request) -> web.StreamResponse:
        if host in SOCKET_HOSTS:
            return await listen(self.world, request)
        if host == MEDIA_HOST:
            if request.method == "GET":
                self.world.log.add(Downloaded(path=request.path))
            return self.world.media.serve(request)
        page = _PAGES.get((request.method, host, request.path))
        if page is not None:
            try:
                return await page(self.world, request)
            except Refusal as refusal:
                return refused(self.world, request, refusal)
        message = f"the simulator has no {request.method} {request.path} at {request.host}"
        self.world.log.add(Refused(host=request.host, path=request.path, code=_NOTHING_HERE, message=message))
        return web.Response(status=_NOTHING_HERE, text=message)
