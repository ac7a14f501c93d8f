"""The console's web server: its routes, and the socket it listens on."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing

from aiohttp import web

from clawlane.clock import now_ms
from clawlane.config.console import Address, Console, Tls
from clawlane.console import callback, tls
from clawlane.console.failures import guarded
from clawlane.console.guard import LONGEST_BODY, OPEN, Entrance, Handler, guarding
from clawlane.console.pages import routes
from clawlane.console.rendering import HERE, STATIC
from clawlane.console.sign_in import LANGUAGE, ask, language, sign_in, sign_out
from clawlane.console.site import SITE, Site
from clawlane.credentials.console_access import ConsoleAccess, ConsolePlace
from clawlane.ops.asking import Asks
from clawlane.ops.listening import bound
from clawlane.ops.serving import ServiceUnusable
from clawlane.ops.web_server import web_server
from clawlane.texts import ENGLISH, LOCALES, later, speak
from clawlane.zone import show_in

MOST_CONNECTIONS = 256
"""Enough for all readers of the feed, and for people who click."""

_FILES = {
    "htmx.min.js": "text/javascript",
    "hx-sse.min.js": "text/javascript",
    "pico.min.css": "text/css",
    "console.css": "text/css",
    "icon.svg": "image/svg+xml",
}


@asynccontextmanager
async def console(
    settings: Console, asks: Asks, environ: Mapping[str, str], metrics: Handler | None = None
) -> AsyncIterator[str]:
    """Serve the console while entered; gives its address. Raises `ServiceUnusable`.

    `metrics` says itself who may read them: Prometheus has no cookie.
    """
    listening = _listening(settings.listen)
    listens = Address(settings.listen.host, listening.getsockname()[1])
    access = ConsoleAccess(asks.paths.console_dir)
    entrance = Entrance.of(listens, settings.public, access)
    app = app_of(Site(entrance, asks, settings.public, environ), metrics)
    place, before = ConsolePlace(entrance.url, str(listens)), None
    try:
        with closing(listening):
            public = settings.public
            context = (
                tls.context(public.tls, public.hosts) if public and isinstance(public.tls, Tls) else None
            )
            async with web_server(app, listening, MOST_CONNECTIONS, context):
                before = access.listens(place)
                access.remove_pages(now_ms())
                yield place.url
    finally:
        access.ended(place, before)


def app_of(site: Site, metrics: Handler | None = None) -> web.Application:
    """The application without a socket."""
    app = web.Application(
        middlewares=[guarded, guarding(site.entrance), _in_language], client_max_size=LONGEST_BODY
    )
    app[SITE] = site
    app.on_shutdown.append(_closing)
    app.router.add_get("/sign-in", ask)
    app.router.add_post("/sign-in", sign_in)
    app.router.add_post("/sign-out", sign_out)
    app.router.add_post("/language", language)
    app.router.add_get(STATIC + "/{name}", _static)
    app.router.add_post("/callback/{turn}", callback.take)
    for one in routes():
        app.router.add_route(one.method, one.path, one.handler)
    if metrics is not None:
        app.router.add_get("/metrics", _open(metrics), allow_head=False)
    return app


async def _closing(app: web.Application) -> None:
    await app[SITE].close()


async def _static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    return web.FileResponse(HERE / "static" / name, headers={"Content-Type": _FILES[name]})


setattr(_static, OPEN, True)


def _open(handler: Handler) -> Handler:
    """A handler that needs nobody signed in."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    setattr(answer, OPEN, True)
    return answer


@web.middleware
async def _in_language(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What is said is said in the language of the browser, and in the zone of the config."""
    asks = request.app[SITE].asks
    chosen = request.cookies.get(LANGUAGE, "")
    named = chosen if chosen in LOCALES else asks.locale() or _accepted(request)
    speak(lambda: named)
    show_in(asks.zone)
    return await handler(request)


def _accepted(request: web.Request) -> str:
    """The first of our languages that the browser asks for."""
    for one in request.headers.get("Accept-Language", "").split(","):
        if (name := one.strip()[:2].lower()) in LOCALES:
            return name
    return ENGLISH


def _listening(listen: Address) -> socket.socket:
    try:
        return bound(listen)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise ServiceUnusable(
            later("the console cannot listen on {address}: {why}", address=str(listen), why=why)
        ) from None
