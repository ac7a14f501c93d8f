"""An address of its own for the metrics, on this machine, under no name but this machine's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from clawlane.config.console import Address, own_names
from clawlane.metrics.page import PATH
from clawlane.ops.listening import bound
from clawlane.ops.serving import ServiceUnusable
from clawlane.ops.web_server import web_server
from clawlane.texts import later

_MOST_BODY = 1024
_MOST_CONNECTIONS = 32

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(listen: Address, answer: Handler) -> AsyncIterator[str]:
    """Serve the page while entered; gives its address. Raises `ServiceUnusable`."""
    try:
        made = bound(listen)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        told = later("metrics cannot be served on {address}: {why}", address=str(listen), why=reason)
        raise ServiceUnusable(told) from None
    port = made.getsockname()[1]

    async def guarded(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Host", "").lower() not in own_names(port):
            return web.Response(status=421, text="this is not a name of this machine\n")
        return await answer(request)

    app = web.Application(client_max_size=_MOST_BODY)
    app.router.add_get(PATH, guarded, allow_head=False)
    async with web_server(app, made, _MOST_CONNECTIONS):
        yield f"http://{Address(listen.host, port)}{PATH}"
