"""*Why*: what was decided about messages and why, and what became of each."""

from __future__ import annotations

from aiohttp import web

from clawlane.console.answers import page
from clawlane.console.pages.common import asks_of
from clawlane.ops.why import Why
from clawlane.words.gaps import gap_words
from clawlane.words.stories import lines

_SHOWN = 50


async def show(request: web.Request) -> web.Response:
    id_, dropped = request.query.get("message", "")[:200].strip(), request.query.get("dropped") == "yes"
    told = await asks_of(request).call(Why(id_, _SHOWN, dropped))
    return await page(
        request,
        "why.html",
        message=id_,
        dropped=dropped,
        items=[list(lines(one)) for one in told.items],
        gaps=list(map(gap_words, told.gaps)),
    )


ROUTES = (("GET", "/why", show),)
