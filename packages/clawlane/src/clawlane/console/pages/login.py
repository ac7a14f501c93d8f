"""*Login*: linking an account by a QR code, step by step, and forgetting its session."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from clawlane.capabilities import ShowQr
from clawlane.clock import now_ms
from clawlane.console.answers import done, page
from clawlane.console.logins import CODES, AccountLogin, Stage
from clawlane.console.pages.common import account_of, address_of, asks_of, channels, fields
from clawlane.console.rendering import fragment
from clawlane.console.site import SITE
from clawlane.console.streaming import streamed
from clawlane.ops.accounts import FindAccount
from clawlane.ops.channel_list import ChannelEntry, ListChannels
from clawlane.ops.login import OTHERS_TITLE, LogOut
from clawlane.words import login as words

_PAGE = "/login"


async def show(request: web.Request) -> web.Response:
    """Every account, and who is logged in on it."""
    found = await channels(asks_of(request))
    return await page(request, "logins.html", channels=found)


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
    return web.Response(body=code.png, content_type="image/png", headers={"Cache-Control": "no-store"})


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
    channel, id_ = account_of(account) if account else (at["channel"], at["account"])
    found = await asks_of(request).call(FindAccount(channel, id_))
    return request.app[SITE].logins.of(found)


def _path(login: AccountLogin) -> str:
    return f"{_PAGE}/{address_of(login.found)}"


async def _entry(request: web.Request, login: AccountLogin) -> ChannelEntry:
    """The channel with its risk, also where the config does not name it."""
    every = await asks_of(request).call(ListChannels(everything=True))
    return next(one for one in every if one.channel == login.found.channel)


async def _whole(request: web.Request, login: AccountLogin) -> dict[str, Any]:
    entry = await _entry(request, login)
    return {**await _values(request, login, entry), "entry": entry}


async def _values(
    request: web.Request, login: AccountLogin, entry: ChannelEntry | None = None
) -> dict[str, Any]:
    """What the live part shows. While a login runs, it needs nothing but the login."""
    if entry is None and not login.runs:
        entry = await _entry(request, login)
    accounts = entry.accounts if entry else []
    users = [one.user for one in accounts if one.id == login.found.account]
    left_s = max(0, login.code.expires_ms - now_ms()) // 1000 if login.code else 0
    return {
        "login": login,
        "address": address_of(login.found),
        "user": users[0] if users else None,
        "left": f"{left_s // 60}:{left_s % 60:02}",
        "codes": CODES,
        "Stage": Stage,
        "words": words,
        "others_title": OTHERS_TITLE,
    }


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
