"""Sends a part of a page to a browser whenever it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from clawlane.console.rendering import HEADERS, server_sent
from clawlane.console.site import SITE
from clawlane.console.watching import Watched
from clawlane.ops.asking import OURS

SILENCE_S = 20.0
"""After that a comment is sent, so that nothing between here and the browser takes the line for dead."""

STILL_HERE = b": still here\n\n"
_WRITE_S = 15.0
_LOOK_S = 1.0
"""How often it is looked whether the browser is signed in still."""


async def opened(request: web.Request) -> web.StreamResponse:
    """The beginning of an answer whose end is open."""
    kept = {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",  # nginx would hold the pieces back until they fill a buffer
        **HEADERS,
    }
    response = web.StreamResponse(headers=kept)
    await response.prepare(request)
    return response


async def written(request: web.Request, response: web.StreamResponse, piece: bytes) -> bool:
    """Send a piece. False, and nothing is sent, if the browser was signed out.

    Raises `TimeoutError` for a browser that does not read, and `ConnectionError` for one that is gone.
    """
    if not await request.app[SITE].still_signed_in(request):
        return False
    async with asyncio.timeout(_WRITE_S):
        await response.write(piece)
    return True


@asynccontextmanager
async def while_signed_in(request: web.Request) -> AsyncIterator[None]:
    """Raises `TimeoutError` out of whatever goes on inside, once the browser is signed out."""
    async with asyncio.timeout(None) as limit:
        watching = asyncio.create_task(_ended_with_sign_in(request, limit))
        try:
            yield
        finally:
            watching.cancel()


async def _ended_with_sign_in(request: web.Request, limit: asyncio.Timeout) -> None:
    site = request.app[SITE]
    while True:
        await asyncio.sleep(_LOOK_S)
        if not await site.still_signed_in(request):
            limit.reschedule(asyncio.get_running_loop().time())
            return


async def streamed(
    request: web.Request,
    watched: Watched,
    render: Callable[[], Awaitable[str]],
    counts_down: Callable[[], bool],
) -> web.StreamResponse:
    """Send what `render` gives, and again when that is different, until the browser goes or is signed out.

    It is looked at after each change, and every second while it `counts_down`.
    """
    last, sent = "", 0.0
    with watched.reading():
        response = await opened(request)
        with suppress(ConnectionError, TimeoutError, *OURS):
            async with while_signed_in(request):
                while True:
                    version, html = watched.version, await render()
                    if html != last or time.monotonic() - sent >= SILENCE_S:
                        piece = server_sent(html) if html != last else STILL_HERE
                        if not await written(request, response, piece):
                            break
                        last, sent = html, time.monotonic()
                    await watched.other_than(version, 1.0 if counts_down() else SILENCE_S)
        return response
