"""The simulator: a world, and the TLS front through which clients reach it."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from aiohttp import web

from zaloweb.sim.accounts import Account
from zaloweb.sim.api import Api, enveloped
from zaloweb.sim.arrived import Refused
from zaloweb.sim.faults import Error
from zaloweb.sim.front import Authority, Front
from zaloweb.sim.meddling import Answering, answered
from zaloweb.sim.media import HOST as MEDIA_HOST
from zaloweb.sim.routes import (
    attachments,
    changes,
    directory,
    friends,
    groups,
    links,
    login,
    qr,
    signals,
    stickers,
    texts,
    uploads,
)
from zaloweb.sim.services import SERVICES, SOCKET_HOSTS
from zaloweb.sim.websocket import listen
from zaloweb.sim.world import World
from zaloweb.transport.network import Network

ROUTES = [
    route
    for part in (
        texts,
        links,
        stickers,
        uploads,
        attachments,
        changes,
        signals,
        directory,
        friends,
        groups,
    )
    for route in part.ROUTES
]
"""Every call to a service that the simulator answers."""

_PAGES = {**qr.PAGES, **login.PAGES}
_NOTHING_HERE = 404


class Simulator:
    """A Zalo on loopback while entered.

    `port` 0 takes a free port. The authority's certificate is written to `ca_file`, or to a temporary file
    that goes away at the end. Give `network` to a client and it reaches this simulator and nothing else.
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
        """The certificate to trust; it is there once the simulator is entered."""
        assert self._ca_file is not None, "enter the simulator first"
        return self._ca_file

    @property
    def network(self) -> Network:
        """The way for clients in this process."""
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
            front = await stack.enter_async_context(
                Front(self._answer, authority, self.port, date=self._date)
            )
            self.port = front.port
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

    async def drop(self, code: int = 1006, account: Account | None = None) -> None:
        """End the account's WebSocket: 1006 cuts it without a word, other codes are close codes."""
        await self.world.drop(code, account)

    async def kick(self, account: Account | None = None) -> None:
        """Close the account's WebSocket as Zalo does when it ends a session: 3003."""
        await self.world.kick(account)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        if host in SERVICES:
            return await self._api.answer(request)
        session = self.world.sessions.of(request.cookies) or self.world.sessions.signed_in(request.cookies)
        account = session.account.uid if session else ""
        name = "listen" if host in SOCKET_HOSTS else "download" if host == MEDIA_HOST else ""
        how = Answering(lambda: self._page(host, request), _refusing)
        return await answered(self.world, request, account, name, how)

    async def _page(self, host: str, request: web.Request) -> web.StreamResponse:
        if host in SOCKET_HOSTS:
            return await listen(self.world, request)
        if host == MEDIA_HOST:
            return self.world.media.serve(request)
        page = _PAGES.get((request.method, host, request.path))
        if page is not None:
            return await page(self.world, request)
        return self._nothing_here(request)

    def _nothing_here(self, request: web.Request) -> web.Response:
        told = f"the simulator has no {request.method} {request.path} at {request.host}"
        refused = Refused(host=request.host, path=request.path, code=_NOTHING_HERE, message=told)
        self.world.log.add(refused)
        return web.Response(status=_NOTHING_HERE, text=told)


def _refusing(fault: Error) -> web.StreamResponse:
    return enveloped(None, fault.code, fault.message)
