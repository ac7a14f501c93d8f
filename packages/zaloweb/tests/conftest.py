"""What the tests of this package share: something that plays Zalo over TLS on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from zaloweb.sim.http_server import Authority, Handler, TlsServer
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
