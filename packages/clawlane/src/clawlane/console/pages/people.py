"""*People*: who asks to write, who was approved, who was turned away; and deciding about them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields, over_channels
from clawlane.ops.pairing import Approvals, Approve, Reject, Rejections, Requests, Revoke, Unblock
from clawlane.texts import t
from clawlane.words import people as words

_PAGE = "/people"


async def show(request: web.Request) -> web.Response:
    asks = asks_of(request)
    return await page(
        request,
        "people.html",
        requests=await over_channels(asks, Requests),
        approved=await over_channels(asks, Approvals),
        rejected=await over_channels(asks, Rejections),
        words=words,
    )


async def approve(request: web.Request) -> web.Response:
    """A stranger with the name of a friend is let in only where the form says that this was seen."""
    given, asks = await fields(request), asks_of(request)
    channel, account = _of(given)
    code = given.get("code", "")
    if given.get("seen") != "yes":
        waiting = await asks.call(Requests(channel, account))
        asked = next((one for one in waiting if one.code == code and one.namesake_id), None)
        if asked:
            return await page(
                request, "namesake.html", one=asked, words=words, notify=given.get("notify", "")
            )
    let_in = await asks.call(Approve(channel, code, account, given.get("notify") == "yes"))
    return await done(
        request, _PAGE, f"{words.approved_sentence(let_in.approved)} {t(let_in.warning)}".strip()
    )


async def reject(request: web.Request) -> web.Response:
    given = await fields(request)
    channel, account = _of(given)
    block = given.get("block") == "yes"
    rows = await asks_of(request).call(Reject(channel, given.get("id", ""), account, block))
    return await done(request, _PAGE, *map(words.rejected_sentence, rows))


async def revoke(request: web.Request) -> web.Response:
    given = await fields(request)
    channel, account = _of(given)
    rows = await asks_of(request).call(Revoke(channel, given.get("id", ""), account))
    return await done(request, _PAGE, *map(words.revoked_sentence, rows))


async def unblock(request: web.Request) -> web.Response:
    given = await fields(request)
    channel, account = _of(given)
    rows = await asks_of(request).call(Unblock(channel, given.get("id", ""), account))
    return await done(request, _PAGE, *map(words.unblocked_sentence, rows))


def _of(given: Mapping[str, str]) -> tuple[str, str]:
    channel, _, account = given.get("account", "").partition("/")
    return channel, account


ROUTES = (
    ("GET", _PAGE, show),
    ("POST", "/people/approve", approve),
    ("POST", "/people/reject", reject),
    ("POST", "/people/revoke", revoke),
    ("POST", "/people/unblock", unblock),
)
