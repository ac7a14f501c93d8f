"""*Sessions*: what agents remember of their conversations; read one, and begin it anew."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from clawlane.console.answers import done, page
from clawlane.console.pages.common import asks_of, fields, over_channels
from clawlane.ops.sessions import ListSessions, ResetSessions, ShowSession
from clawlane.words import sessions as words

_PAGE = "/sessions"


async def show(request: web.Request) -> web.Response:
    rows = await over_channels(asks_of(request), ListSessions)
    return await page(request, "sessions.html", rows=rows, words=words)


async def one(request: web.Request) -> web.Response:
    """One conversation: it shows what people wrote."""
    channel, account, thread, agent = _of(request.query)
    shown = await asks_of(request).call(ShowSession(channel, account, thread, agent))
    return await page(request, "session.html", shown=shown, lines=list(words.lines(shown)))


async def reset(request: web.Request) -> web.Response:
    channel, account, thread, agent = _of(await fields(request))
    forgotten = await asks_of(request).call(ResetSessions(channel, account, thread, agent))
    return await done(request, _PAGE, *map(words.reset_sentence, forgotten.reset))


def _of(given: Mapping[str, str]) -> tuple[str, str, str, str]:
    channel, _, account = given.get("account", "").partition("/")
    return channel, account, given.get("thread", ""), given.get("agent", "")


ROUTES = (("GET", _PAGE, show), ("GET", "/sessions/one", one), ("POST", "/sessions/reset", reset))
