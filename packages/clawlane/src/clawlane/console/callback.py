"""`POST /callback/<turn>`: an agent elsewhere answers a turn. Its signature is all that it needs."""

from __future__ import annotations

import logging

from aiohttp import web

from clawlane.console.guard import SIGNED, refusal
from clawlane.console.site import SITE
from clawlane.ops.asking import OURS
from clawlane.ops.callback import CallBack, Fate

_STATUS = {
    Fate.TAKEN: 202,
    Fate.UNSIGNED: 401,
    Fate.UNKNOWN: 404,
    Fate.ANSWERED: 409,
    Fate.OVER: 410,
    Fate.UNREADABLE: 422,
}
log = logging.getLogger(__name__)


async def take(request: web.Request) -> web.Response:
    """What became of the answer, as a status and a word."""
    headers = request.headers
    try:
        asked = CallBack(
            request.match_info["turn"],
            headers.get("webhook-id", ""),
            headers.get("webhook-timestamp", ""),
            headers.get("webhook-signature", ""),
            request.content_type,
            request.charset,
            await request.read(),
        )
        told = await request.app[SITE].asks.call(asked)
    except OURS as error:
        log.warning("an answer that came later could not be kept: %s", type(error).__name__)
        return refusal(503, "try again later")
    return web.Response(status=_STATUS[told.fate], text=f"{told.problem or told.fate}\n")


setattr(take, SIGNED, True)
