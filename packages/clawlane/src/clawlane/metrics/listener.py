"""An address of its own for the metrics, on this machine, under no name but this machine's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from clawlane.config.console import Address, own_names
from clawlane.metrics.page import PATH
from clawlane.ops.request_log import REQUESTS
from clawlane.ops.serving import ServiceUnusable
from clawlane.texts import later

_ENDS_S = 1.0
_MOST_BODY = 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(listen: Address, answer: Handler) -> AsyncIterator[str]:
    """Serve the page while entered; gives its address. Raises `ServiceUnusable`."""
    app = web.Application(client_max_size=_MOST_BODY)
    runner = web.AppRunner(
        app, access_log=None, logger=REQUESTS, handle_signals=False, shutdown_timeout=_ENDS_S
    )

    async def guarded(request: web.Request) -> web.StreamResponse:
        port = runner.addresses[0][1]
        if request.headers.get("Host", "").lower() not in own_names(port):
            return web.Response(status=421, text="this is not a name of this machine\n")
        return await answer(request)

    app.router.add_get(PATH, guarded, allow_head=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, listen.host, listen.port, backlog=16, reuse_address=True).start()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            told = later("metrics cannot be served on {address}: {why}", address=str(listen), why=reason)
            raise ServiceUnusable(told) from None
        yield f"http://{Address(listen.host, runner.addresses[0][1])}{PATH}"
    finally:
        await runner.cleanup()
