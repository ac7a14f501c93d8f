"""A web server of aiohttp on a socket of ours, with as many connections as are set."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from clawlane.ops.connections import IDLE_S, Connection, Connections
from clawlane.ops.request_log import REQUESTS

_CONNECTION = "connection"
_ENDS_S = 1.0
"""How long answers have at the end; a feed has no end of its own."""


@asynccontextmanager
async def web_server(
    app: web.Application, listening: socket.socket, most: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve while entered, on `most` connections at a time. The socket is closed afterwards."""
    connections = Connections(most)
    app.middlewares.insert(0, _told_to(connections))
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=REQUESTS,
        handle_signals=False,
        handler_cancellation=True,
        keepalive_timeout=IDLE_S,
        shutdown_timeout=_ENDS_S,
    )
    try:
        await runner.setup()
        assert runner.server is not None
        async with connections.accepted(listening, runner.server, tls):
            yield
    finally:
        await runner.cleanup()
        listening.close()


def known(request: web.Request) -> None:
    """Whoever asks has shown who they are: their connection does not make way while it is answered."""
    connection: Connection | None = request.get(_CONNECTION)
    if connection is not None:
        connection.known = True


def _told_to(connections: Connections) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def answering(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        with connections.answering(peer) as connection:
            request[_CONNECTION] = connection
            return await handler(request)

    return answering
