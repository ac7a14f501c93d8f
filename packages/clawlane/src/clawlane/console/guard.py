"""Who may ask the console for what: before any handler runs.

A foreign `Host` gets 421, so that no name that somebody points at this machine reaches a page. What changes
something is a POST, and has to come from a page of the console itself: `Origin` and `Sec-Fetch-Site` say so,
or it gets 403. All but the sign-in and the style sheet needs the cookie of a browser that is signed in.
What carries a signature comes from no browser, and needs neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.typedefs import Middleware

from clawlane.clock import now_ms
from clawlane.config.console import Address, PublicConsole, own_names
from clawlane.credentials.console_access import BROWSER_MS, ConsoleAccess
from clawlane.ops.web_server import known

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = "open"
"""Marks the handlers that need nobody signed in."""

SIGNED = "signed"
"""Marks the handlers whose requests carry a signature, and come from no page."""

_FORM = "application/x-www-form-urlencoded"
LONGEST_BODY = 256 * 1024
"""Bytes of a form: the longest is an edited config file."""

LONGEST_PATH = 500
"""Characters of an address to which a browser is led."""

_SAFE = ("GET", "HEAD")
_SAYS = ("Origin", "Sec-Fetch-Site")
_BODY_S = 10.0
"""How long a form or an answer may take to come."""


@dataclass(frozen=True)
class Entrance:
    """Under which names the console is reached, and how a browser shows that it is signed in.

    The first of the `origins` is the one to open.
    """

    origins: tuple[str, ...]
    cookie: str
    secure: bool
    access: ConsoleAccess

    @classmethod
    def of(cls, listens: Address, public: PublicConsole | None, access: ConsoleAccess) -> Entrance:
        """The entrance of a console that `listens` there, by its real port."""
        if public:
            origins = [f"https://{name}" for host in public.hosts for name in _names(host, listens, public)]
        else:
            origins = [f"http://{name}" for name in (str(listens), *own_names(listens.port))]
        return cls(tuple(origins), f"clawlane-console-{listens.port}", public is not None, access)

    @property
    def hosts(self) -> Collection[str]:
        """What `Host` may be."""
        return [origin.partition("://")[2] for origin in self.origins]

    def origin_of(self, host: str) -> str:
        """The origin of the pages under a host."""
        return next(one for one in self.origins if one.partition("://")[2] == host)

    @property
    def url(self) -> str:
        """The address to open."""
        return self.origins[0]

    def token(self, request: web.Request) -> str:
        """What the browser shows; empty for nothing."""
        return request.cookies.get(self.cookie, "")

    def let_in(self, response: web.StreamResponse, token: str) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            self.cookie,
            token,
            max_age=BROWSER_MS // 1000,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self.secure,
        )

    def let_go(self, response: web.StreamResponse) -> None:
        """Take the cookie back."""
        response.del_cookie(self.cookie, path="/", httponly=True, samesite="Strict", secure=self.secure)


def _names(host: str, listens: Address, public: PublicConsole) -> Iterator[str]:
    """What browsers call a public host: with the port, unless something else stands at 443."""
    if public.tls != "proxy" and ":" not in host and listens.port != 443:
        yield f"{host}:{listens.port}"
    yield host


def guarding(entrance: Entrance) -> Middleware:
    """The middleware that lets requests through, or does not."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if request.version not in (HttpVersion10, HttpVersion11):
            return refusal(505, "speak HTTP/1.1")
        if host.lower() not in entrance.hosts or not _names_a_page(request):
            return refusal(421, "this is not a name of the console")
        if getattr(request.match_info.handler, SIGNED, False):
            return _not_as_it_is(request) or await _unread(request, request.read) or await handler(request)
        if request.method not in _SAFE and not _from_a_page(request, entrance.origin_of(host.lower())):
            return refusal(403, "this did not come from a page of the console")
        if refused := _no_form(request):
            return refused
        needs_nobody = getattr(request.match_info.handler, OPEN, False) or request.match_info.http_exception
        if needs_nobody:
            return await _unread(request, request.post) or await handler(request)
        token = entrance.token(request)
        if not await asyncio.to_thread(entrance.access.signed_in, token, now_ms()):
            return _sign_in_first(request)
        known(request)
        return await _unread(request, request.post) or await handler(request)

    return guard


def _names_a_page(request: web.Request) -> bool:
    """Not so what is meant for a proxy; and CONNECT has no path at all."""
    return request.raw_path.startswith("/") and request.path.startswith("/")


def _sign_in_first(request: web.Request) -> web.Response:
    if request.method not in _SAFE or request.headers.get("HX-Request") is not None:
        return refusal(401, "sign in first")
    to = quote(request.path_qs) if len(request.path_qs) < LONGEST_PATH else "/"
    return web.Response(status=303, headers={"Location": f"/sign-in?to={to}"})


def _from_a_page(request: web.Request, origin: str) -> bool:
    said = {name: [one.lower() for one in request.headers.getall(name, [])] for name in _SAYS}
    return said == {"Origin": [origin], "Sec-Fetch-Site": ["same-origin"]}


def _no_form(request: web.Request) -> web.Response | None:
    """What is posted is a form as browsers send it. A body that is not read would be the next request."""
    if request.method in _SAFE:
        return None
    if request.content_type != _FORM or (request.charset or "utf-8").lower() != "utf-8":
        return refusal(415, "send a form in UTF-8")
    return _not_as_it_is(request)


def _not_as_it_is(request: web.Request) -> web.Response | None:
    """A body is neither packed nor longer than the longest form."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return refusal(415, "send it as it is, not compressed")
    fits = (request.content_length or 0) <= LONGEST_BODY
    return None if fits else refusal(413, "that is too long")


async def _unread(request: web.Request, reading: Callable[[], Awaitable[object]]) -> web.Response | None:
    """Read the body, for whoever asks for it later; a refusal if it does not come, or is no form of text."""
    if request.method in _SAFE:
        return None
    try:
        async with asyncio.timeout(_BODY_S):
            await reading()
    except TimeoutError:
        return refusal(408, "the body took too long to come")
    except web.HTTPRequestEntityTooLarge:
        return refusal(413, "that is too long")
    except UnicodeDecodeError:
        return refusal(400, "send a form in UTF-8")
    return None


def refusal(status: int, sentence: str) -> web.Response:
    """A refusal in plain text, for whoever did not come by a page."""
    response = web.Response(status=status, text=f"{sentence}\n")
    response.force_close()
    return response
