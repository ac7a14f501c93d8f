"""An internet of the tests: real TLS on loopback, and names that lead where a test says."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from clawlane.agents.url_guard import Network, NotFetched, fetching, is_public
from zaloweb.sim.http_server import Authority, TlsServer

LOOPBACK = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class World:
    """Host names and the addresses that each is given in turn; only the test's own server may be reached."""

    network: Network
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    handler: Handler | None = None

    async def resolve(self, host: str) -> Sequence[str]:
        answers = self.names.get(host, [[LOOPBACK]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert self.handler is not None
        return await self.handler(request)

    async def get(self, url: str, *, max_bytes: int = 1000, deadline: float = 20) -> bytes:
        async with fetching(self.network, url, max_bytes=max_bytes, deadline=deadline) as fetched:
            return b"".join([block async for block in fetched.blocks])

    async def refused(self, url: str, **more: float) -> str:
        with pytest.raises(NotFetched) as raised:
            await self.get(url, **more)  # type: ignore[arg-type]
        return str(raised.value)


@asynccontextmanager
async def world_of(ca: str) -> AsyncIterator[World]:
    authority = Authority()
    authority.write(ca)
    trust = ssl.create_default_context(cafile=ca)
    world = World(Network(trust=trust))
    async with TlsServer(world.answer, authority) as server:
        world.network = Network(
            world.resolve, lambda address: address == LOOPBACK or is_public(address), server.port, trust
        )
        yield world


async def plain(body: bytes = b"", status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(body=body, status=status, headers=named)
