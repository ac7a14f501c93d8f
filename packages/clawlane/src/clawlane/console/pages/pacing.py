"""*Pacing*: what may leave and be spent, what is used of it, and what is held until when."""

from __future__ import annotations

from aiohttp import web

from clawlane.console.answers import page
from clawlane.console.pages.common import asks_of
from clawlane.ops.pacing import GetPacing
from clawlane.words import pacing as words

_PAGE = "/pacing"


async def show(request: web.Request) -> web.Response:
    return await page(request, "pacing.html", found=await asks_of(request).call(GetPacing()), words=words)


ROUTES = (("GET", _PAGE, show),)
