"""What the tests of this package share: something that plays Zalo over TLS on loopback, and a bare client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from packages.zaloweb.tests.sim_client import Bare, cookies_of

from zaloweb.sim.http_server import Authority, Handler, TlsServer
from zaloweb.sim.server import Simulator
from zaloweb.transport.network import Network

Serve = Callable[[Handler], Awaitable[Network]]


@pytest.fixture(scope="session")
def authority() -> Authority:
    """One authority for all tests; making one takes longer than most of them."""
    return Authority()


@pytest.fixture
async def serve(authority: Authority, tmp_path: Path) -> AsyncIterator[Serve]:
    """`network = await serve(handler)`: the handler answers for every host name until the test is over."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> Network:
            front = await stack.enter_async_context(TlsServer(handler, authority))
            authority.write(tmp_path / "ca.pem")
            return Network.loopback(front.port, tmp_path / "ca.pem")

        yield start


@pytest.fixture
async def client(sim: Simulator) -> AsyncIterator[Bare]:
    """A client that is logged in to the simulator of a module. Modules about our own client have theirs."""
    async with Bare(sim, cookies_of(sim.world)) as bare:
        await bare.login()
        yield bare
