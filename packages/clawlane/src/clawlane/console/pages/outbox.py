"""*Outbox*: what waits, whose fate nobody knows, what was refused; resend, drop, or say that it arrived."""

from __future__ import annotations

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields, number
from clawlane.ops.messages import Arrived, Drop, Outbox, Resend
from clawlane.words import outbox as words

_PAGE = "/outbox"


async def show(request: web.Request) -> web.Response:
    everything = request.query.get("all") == "yes"
    found = await asks_of(request).call(Outbox(settled=everything))
    return await page(request, "outbox.html", found=found, everything=everything, words=words)


async def resend(request: web.Request) -> web.Response:
    decided = await asks_of(request).call(Resend(number((await fields(request)).get("number", ""))))
    return await done(request, _PAGE, words.resent_sentence(decided))


async def arrived(request: web.Request) -> web.Response:
    decided = await asks_of(request).call(Arrived(number((await fields(request)).get("number", ""))))
    return await done(request, _PAGE, words.arrived_sentence(decided))


async def drop(request: web.Request) -> web.Response:
    decided = await asks_of(request).call(Drop(number((await fields(request)).get("number", ""))))
    return await done(request, _PAGE, words.dropped_sentence(decided))


ROUTES = (
    ("GET", _PAGE, show),
    ("POST", "/outbox/resend", resend),
    ("POST", "/outbox/arrived", arrived),
    ("POST", "/outbox/drop", drop),
)
