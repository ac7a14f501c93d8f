"""*Drafts*: what agents wrote where the owner approves what leaves; approve, edit, drop, revive."""

from __future__ import annotations

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, channels, fields, number
from clawlane.ops.drafts import Approve, Drop, Edit, List, Revive, Show
from clawlane.store.draft_told import Draft
from clawlane.words import drafts as words

_PAGE = "/drafts"


async def show(request: web.Request) -> web.Response:
    asks = asks_of(request)
    waiting: list[Draft] = []
    expired: list[Draft] = []
    for one in await channels(asks):
        waiting += (await asks.call(List(one.channel))).drafts
        expired += (await asks.call(List(one.channel, expired=True))).drafts
    return await page(request, "drafts.html", waiting=waiting, expired=expired, words=words)


async def one(request: web.Request) -> web.Response:
    """One draft, whole, with its text to edit."""
    draft = await asks_of(request).call(Show(number(request.match_info["number"])))
    return await page(request, "draft.html", draft=draft, words=words)


async def approve(request: web.Request) -> web.Response:
    """One that something newer was said after is sent only from the page that says so."""
    given = await fields(request)
    draft = number(given.get("number", ""))
    found = await asks_of(request).call(Approve(draft, given.get("stale") == "yes"))
    if found.stale is not None:
        return await done(request, f"{_PAGE}/{draft}", words.stale_sentence(draft, found.stale))
    return await done(request, _PAGE, words.approved_sentence(found))


async def edit(request: web.Request) -> web.Response:
    given = await fields(request)
    draft = await asks_of(request).call(Edit(number(given.get("number", "")), given.get("text", "")))
    return await done(request, f"{_PAGE}/{draft.number}", words.edited_sentence(draft))


async def drop(request: web.Request) -> web.Response:
    dropped = await asks_of(request).call(Drop(number((await fields(request)).get("number", ""))))
    return await done(request, _PAGE, words.dropped_sentence(dropped))


async def revive(request: web.Request) -> web.Response:
    draft = await asks_of(request).call(Revive(number((await fields(request)).get("number", ""))))
    return await done(request, _PAGE, words.revived_sentence(draft))


ROUTES = (
    ("GET", _PAGE, show),
    ("GET", "/drafts/{number}", one),
    ("POST", "/drafts/approve", approve),
    ("POST", "/drafts/edit", edit),
    ("POST", "/drafts/drop", drop),
    ("POST", "/drafts/revive", revive),
)
