"""*Login*: linking an account by a QR code, step by step, and forgetting its session."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from clawlane.capabilities import ShowQr
from clawlane.clock import now_ms
from clawlane.console.answers import done, page
from clawlane.console.logins import CODES, AccountLogin, Stage
from clawlane.console.pages.common import account_of, address_of, asks_of, fields
from clawlane.console.rendering import fragment
from clawlane.console.site import SITE
from clawlane.console.streaming import streamed
from clawlane.ops.accounts import FindAccount
from clawlane.ops.channel_list import ChannelEntry, ListChannels
from clawlane.ops.login import OTHERS_TITLE, LogOut
from clawlane.texts import t
from clawlane.words import login as words
from clawlane.words.channel_off import off_words
from clawlane.words.unofficial import UNOFFICIAL

_PAGE = "/login"


async def show(request: web.Request) -> web.Response:
    """Every account, and who is logged in on it."""
    found = await asks_of(request).call(ListChannels())
    return await page(request, "logins.html", channels=found, off_words=off_words)


async def one(request: web.Request) -> web.Response:
    """One account: who is logged in, and the login that runs or ran last."""
    login = await _login(request)
    login.look()
    return await page(request, "login.html", **await _whole(request, login))


async def events(request: web.Request) -> web.StreamResponse:
    """The same part of the page whenever something happens."""
    login = await _login(request)

    async def render() -> str:
        return fragment("login_now.html", **await _values(request, login))

    return await streamed(request, login, render, lambda: login.code is not None)


async def picture(request: web.Request) -> web.Response:
    """The code that is shown now, as a picture."""
    login = await _login(request)
    code: ShowQr | None = login.code
    if code is None or request.match_info["picture"] != login.picture:
        raise web.HTTPNotFound
    return web.Response(body=code.png, content_type="image/png")


async def begin(request: web.Request) -> web.Response:
    given = await fields(request)
    login = await _login(request, given.get("account", ""))
    login.begin(force=given.get("force") == "yes")
    return await done(request, _path(login))


async def accept(request: web.Request) -> web.Response:
    given = await fields(request)
    login = await _login(request, given.get("account", ""))
    await login.accept(given.get("expendable", ""))
    return await done(request, _path(login))


async def cancel(request: web.Request) -> web.Response:
    login = await _login(request, (await fields(request)).get("account", ""))
    await login.cancel()
    return await done(request, _path(login))


async def ask_logout(request: web.Request) -> web.Response:
    """The question before a session is forgotten."""
    login = await _login(request)
    return await page(request, "logout.html", **await _whole(request, login))


async def logout(request: web.Request) -> web.Response:
    login = await _login(request, (await fields(request)).get("account", ""))
    forgotten = await asks_of(request).call(LogOut(login.found.channel, login.found.account))
    login.change()
    sentences = (*words.logged_out_sentences(forgotten), *words.warnings_of(forgotten))
    return await done(request, _path(login), *sentences)


async def _login(request: web.Request, account: str = "") -> AccountLogin:
    """The login of the account that the address or a form (`channel/id`) names. Raises `OpError`."""
    at = request.match_info
    channel, id_ = (at["channel"], at["account"]) if "channel" in at else account_of(account)
    found = await asks_of(request).call(FindAccount(channel, id_))
    return request.app[SITE].logins.of(found)


def _path(login: AccountLogin) -> str:
    return f"{_PAGE}/{address_of(login.found)}"


async def _whole(request: web.Request, login: AccountLogin) -> dict[str, Any]:
    return {
        **await _values(request, login, whole=True),
        "label": t(UNOFFICIAL) if login.found.unofficial else "",
    }


async def _values(request: web.Request, login: AccountLogin, *, whole: bool = False) -> dict[str, Any]:
    """What the live part shows, or the whole page. While a login runs, the first needs nothing else."""
    entry = mine = None
    if whole or not login.runs:
        entry = await _entry(request, login)
        mine = next((one for one in entry.accounts if one.id == login.found.account), None)
    left_s = max(0, login.code.expires_ms - now_ms()) // 1000 if login.code else 0
    return {
        "login": login,
        "address": address_of(login.found),
        "entry": entry,
        "user": mine.user if mine else None,
        "unreadable": t(mine.problem) if mine and mine.problem else "",
        "left": f"{left_s // 60}:{left_s % 60:02}",
        "codes": CODES,
        "Stage": Stage,
        "words": words,
        "others_title": OTHERS_TITLE,
    }


async def _entry(request: web.Request, login: AccountLogin) -> ChannelEntry:
    """The channel with its risk, also where the config does not name it."""
    every = await asks_of(request).call(ListChannels(everything=True))
    return next(one for one in every if one.channel == login.found.channel)


ROUTES = (
    ("GET", _PAGE, show),
    ("GET", "/login/{channel}/{account}", one),
    ("GET", "/login/{channel}/{account}/events", events),
    ("GET", "/login/{channel}/{account}/code/{picture}", picture),
    ("GET", "/login/{channel}/{account}/logout", ask_logout),
    ("POST", "/login/begin", begin),
    ("POST", "/login/accept", accept),
    ("POST", "/login/cancel", cancel),
    ("POST", "/login/logout", logout),
)
