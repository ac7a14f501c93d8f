"""Sends a part of a page to a browser whenever it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from clawlane.console.rendering import HEADERS, server_sent
from clawlane.console.site import SITE
from clawlane.console.watching import Watched
from clawlane.ops.asking import OURS

SILENCE_S = 20.0
"""After that a comment is sent, so that nothing between here and the browser takes the line for dead."""

STILL_HERE = b": still here\n\n"
_WRITE_S = 15.0


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
    with watched.reading(), suppress(ConnectionError, TimeoutError, *OURS):
        response = await opened(request)
        while True:
            version, html = watched.version, await render()
            if html != last or time.monotonic() - sent >= SILENCE_S:
                if not await written(request, response, server_sent(html) if html != last else STILL_HERE):
                    break
                last, sent = html, time.monotonic()
            await watched.other_than(version, 1.0 if counts_down() else SILENCE_S)
    return response
