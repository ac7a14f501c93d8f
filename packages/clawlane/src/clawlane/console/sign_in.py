"""Signing in and out: by a one-time link, or from elsewhere by the password."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web

from clawlane.clock import now_ms
from clawlane.config.secrets import SecretMissing
from clawlane.console.answers import own_path, page
from clawlane.console.guard import OPEN
from clawlane.console.site import SITE, Site
from clawlane.texts import LOCALES, t

LANGUAGE = "clawlane-language"
_YEAR_S = 365 * 24 * 3600
log = logging.getLogger(__name__)


async def ask(request: web.Request) -> web.Response:
    """The page. Looking at a link does not use it up: programs that fetch links ahead must not."""
    return await _form(
        request, link=request.query.get("link", "")[:100], to=own_path(request.query.get("to", "/"))
    )


async def sign_in(request: web.Request) -> web.Response:
    """A browser that has a link, or the password, gets its cookie."""
    site, given = request.app[SITE], await request.post()
    access, now = site.entrance.access, now_ms()
    link, to = str(given.get("link", "")), own_path(str(given.get("to", "/")))
    if link:
        if not await asyncio.to_thread(access.use_link, link, now):
            return await _form(request, 403, t("This link was used, or is too old. Make a new one."), to=to)
    elif refused := await _refused(site, str(given.get("password", "")), now):
        return await _form(request, 403, refused, to=to)
    response = web.Response(status=303, headers={"Location": to})
    site.entrance.let_in(response, await asyncio.to_thread(access.sign_in, now))
    return response


async def sign_out(request: web.Request) -> web.Response:
    entrance = request.app[SITE].entrance
    await asyncio.to_thread(entrance.access.sign_out, entrance.token(request))
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    entrance.let_go(response)
    return response


async def language(request: web.Request) -> web.Response:
    """Show the pages in another language, in this browser."""
    given = await request.post()
    response = web.Response(status=303, headers={"Location": own_path(str(given.get("to", "/")))})
    if (chosen := str(given.get("locale", ""))) in LOCALES:
        secure = request.app[SITE].entrance.secure
        response.set_cookie(
            LANGUAGE, chosen, max_age=_YEAR_S, httponly=True, samesite="Strict", secure=secure
        )
    return response


async def _refused(site: Site, password: str, now: int) -> str:
    """Why a password lets nobody in; empty if it does."""
    if site.public is None:
        return t("There is no password: a link opens the console.")
    if wait := site.tries.wait_ms(now):
        return t("Too many wrong passwords. Try again in {seconds} s.", seconds=wait // 1000 + 1)
    site.tries.begin(now)
    try:
        fits = await asyncio.to_thread(site.password_fits, password)
    except SecretMissing as error:
        log.error("the password of the console lets nobody in: %s", error)
        return t("The password cannot be read; the log says why. A link opens the console.")
    if fits:
        site.tries.right()
        return ""
    return t("That is not the password.")


async def _form(
    request: web.Request, status: int = 200, problem: str = "", *, link: str = "", to: str = "/"
) -> web.Response:
    site = request.app[SITE]
    return await page(
        request,
        "sign_in.html",
        status=status,
        bare=True,
        problem=problem,
        link=link,
        to=to,
        has_password=site.public is not None,
        state=site.asks.paths.state,
    )


for _handler in (ask, sign_in):
    setattr(_handler, OPEN, True)
