"""Pausing and resuming: the button that every page has."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clawlane.clock import now_ms
from clawlane.config.duration import duration
from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, channels, fields
from clawlane.ops.operation import OpError
from clawlane.ops.pause import BeginPause, EndPause, Pauses
from clawlane.store.told import PauseLevel
from clawlane.texts import t
from clawlane.words import pauses as words

_PAGE = "/pause"


async def show(request: web.Request) -> web.Response:
    asks = asks_of(request)
    accounts = [f"{one.channel}/{account.id}" for one in await channels(asks) for account in one.accounts]
    return await page(request, "pause.html", found=await asks.call(Pauses()), accounts=accounts, words=words)


async def begin(request: web.Request) -> web.Response:
    given = await fields(request)
    channel, account, thread = _of(given)
    length = given.get("length", "").strip()
    try:
        until = now_ms() + int(duration(length).total_seconds() * 1000) if length else None
    except ValueError as error:
        raise OpError(t("the length of the pause {problem}", problem=str(error))) from None
    level = PauseLevel.OFFLINE if given.get("level") == "offline" else PauseLevel.MUTE
    begun = await asks_of(request).call(BeginPause(channel, account, thread, level, until))
    return await done(request, _PAGE, *(f"{words.pause_words(one)}." for one in begun.paused))


async def end(request: web.Request) -> web.Response:
    given = await fields(request)
    channel, account, thread = _of(given)
    await asks_of(request).call(EndPause(channel, account, thread, given.get("flush") == "yes"))
    return await done(request, _PAGE, t("Resumed."))


def _of(given: Mapping[str, str]) -> tuple[str | None, str | None, str | None]:
    channel, _, account = given.get("account", "").partition("/")
    return channel or None, account or None, given.get("thread") or None


ROUTES = (("GET", _PAGE, show), ("POST", "/pause/begin", begin), ("POST", "/pause/end", end))
