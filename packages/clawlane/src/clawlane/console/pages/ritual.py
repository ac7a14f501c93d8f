"""*Ritual*: proving a lane step by step, with what somebody has to do and what each step has shown."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import account_of, address_of, asks_of, channels, fields, number
from clawlane.console.rendering import fragment
from clawlane.console.rituals import AccountRitual
from clawlane.console.site import SITE
from clawlane.console.streaming import streamed
from clawlane.ops.accounts import FindAccount
from clawlane.ops.asking import Asks
from clawlane.ops.ritual.steps import Report, StepName
from clawlane.ops.verification import GetReports
from clawlane.words import ritual as words

_PAGE = "/ritual"


async def show(request: web.Request) -> web.Response:
    """Every account, and what its last ritual has proven."""
    asks = asks_of(request)
    found = await channels(asks)
    reports = {
        f"{one.channel}/{account.id}": await _last(asks, one.channel, account.id)
        for one in found
        for account in one.accounts
    }
    return await page(request, "rituals.html", channels=found, reports=reports, words=words)


async def one(request: web.Request) -> web.Response:
    """One account: the ritual that runs or ran last, and the steps to choose from."""
    ritual = await _ritual(request)
    return await page(request, "ritual.html", **await _values(request, ritual), names=list(StepName))


async def events(request: web.Request) -> web.StreamResponse:
    """The same part of the page whenever something happens."""
    ritual = await _ritual(request)

    async def render() -> str:
        return fragment("ritual_now.html", **await _values(request, ritual))

    return await streamed(request, ritual, render, lambda: False)


async def begin(request: web.Request) -> web.Response:
    chosen = (await request.post()).getall("step", [])
    ritual = await _ritual(request, (await fields(request)).get("account", ""))
    ritual.begin([name for name in StepName if name in chosen])
    return await done(request, _path(ritual))


async def answer(request: web.Request) -> web.Response:
    given = await fields(request)
    ritual = await _ritual(request, given.get("account", ""))
    ritual.answer(number(given.get("question", "")), agreed=given.get("answer") == "yes")
    return await done(request, _path(ritual))


async def stop(request: web.Request) -> web.Response:
    ritual = await _ritual(request, (await fields(request)).get("account", ""))
    ritual.stop()
    return await done(request, _path(ritual))


async def _ritual(request: web.Request, account: str = "") -> AccountRitual:
    """The ritual of the account that the address or a form (`channel/id`) names. Raises `OpError`."""
    at = request.match_info
    channel, id_ = (at["channel"], at["account"]) if "channel" in at else account_of(account)
    found = await asks_of(request).call(FindAccount(channel, id_))
    return request.app[SITE].rituals.of(found)


def _path(ritual: AccountRitual) -> str:
    return f"{_PAGE}/{address_of(ritual.found)}"


async def _last(asks: Asks, channel: str, account: str) -> Report | None:
    kept = await asks.call(GetReports(channel, account))
    return kept[0] if kept else None


async def _values(request: web.Request, ritual: AccountRitual) -> dict[str, Any]:
    last = None
    if not ritual.runs and ritual.report is None:
        last = await _last(asks_of(request), ritual.found.channel, ritual.found.account)
    return {
        "ritual": ritual,
        "address": address_of(ritual.found),
        "last": last,
        "words": words,
    }


ROUTES = (
    ("GET", _PAGE, show),
    ("GET", "/ritual/{channel}/{account}", one),
    ("GET", "/ritual/{channel}/{account}/events", events),
    ("POST", "/ritual/begin", begin),
    ("POST", "/ritual/answer", answer),
    ("POST", "/ritual/stop", stop),
)
