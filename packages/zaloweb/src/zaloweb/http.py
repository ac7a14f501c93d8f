"""Requests to Zalo: headers, cookies, redirects, deadlines, retries, and where failures get their names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote_plus, urljoin, urlsplit

import aiohttp
from yarl import URL

from zaloweb import cipher, envelope
from zaloweb.calls.call import Call
from zaloweb.clock import Clock
from zaloweb.cookies import Jar
from zaloweb.errors import (
    BeforeSending,
    HttpStatusError,
    InvalidRequest,
    NetworkError,
    NoAnswer,
    ProtocolError,
)
from zaloweb.multipart import Form
from zaloweb.network import Network
from zaloweb.platform_clock import PlatformClock
from zaloweb.session import API_TYPE as API_TYPE
from zaloweb.session import API_VERSION as API_VERSION
from zaloweb.session import Session

T = TypeVar("T")

ORIGIN = "https://chat.zalo.me"
DEFAULT_HEADERS = {
    "accept": "application/json, text/plain, */*",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-US,en;q=0.9",
    "content-type": "application/x-www-form-urlencoded",
    "origin": ORIGIN,
    "referer": f"{ORIGIN}/",
}

_MOST_REDIRECTS = 10
_KEEP_METHOD = (307, 308)
_REDIRECTS = (301, 302, 303, *_KEEP_METHOD)
_FIRST_BACKOFF = 0.4

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a request may take: until it is connected, and as a whole."""

    connect: float = 10.0
    total: float = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. `url` is where it came from after redirects."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)


class Outside:
    """The head of an answer of somebody else's host; its body is read by `blocks`."""

    def __init__(self, name: str, answer: aiohttp.ClientResponse) -> None:
        self._name = name
        self._answer = answer
        self.status = answer.status
        self.content_type = answer.content_type

    @property
    def size(self) -> int | None:
        """How many bytes the host says there are; None where it does not."""
        told = self._answer.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdecimal() else None

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes in. Raises `NetworkError`."""
        while True:
            with _named(self._name, str(self._answer.url)):
                block = await self._answer.content.readany()
            if not block:
                return
            yield block


class Transport:
    """One account's way to Zalo, alive while entered: a few warm connections and the jar.

    `attempts` is how often a call that may safely be repeated is tried while the network fails. A proxy is
    left out in a rehearsal, which goes nowhere else.
    """

    def __init__(
        self,
        network: Network,
        *,
        user_agent: str,
        jar: Jar,
        clock: Clock,
        random: Random,
        proxy: str | None = None,
        deadlines: Deadlines = Deadlines(),
        attempts: int = 3,
        platform_clock: PlatformClock | None = None,
    ) -> None:
        self.jar = jar
        self.user_agent = user_agent
        self.clock = clock
        self.proxy = None if network.rehearsal else proxy
        self._network = network
        self._random = random
        self._deadlines = deadlines
        self._attempts = attempts
        self._client: aiohttp.ClientSession | None = None
        self.platform_clock = platform_clock or PlatformClock(clock)

    async def __aenter__(self) -> Self:
        # Default headers go out with each request, so that the socket can use this client without them.
        self._client = aiohttp.ClientSession(
            connector=self._network.connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[self.platform_clock.tracing()],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    @property
    def client(self) -> aiohttp.ClientSession:
        """The aiohttp session underneath, without headers or cookies of its own; the socket uses it."""
        if self._client is None:
            raise RuntimeError("a Transport is used inside `async with`")
        return self._client

    async def request(
        self,
        method: str,
        url: str,
        *,
        name: str,
        query: Pairs | str = (),
        form: Pairs | str | Form | None = None,
        headers: Mapping[str, str] | None = None,
        redirect: bool = True,
        deadline: float | None = None,
    ) -> Response:
        """The answer to one request, whatever its status. `name` is what errors call it.

        Redirects are followed here, one request each with the default headers, so that no cookie of a hop is
        lost. `deadline` replaces the usual seconds of each request. Raises `NetworkError`, `ProtocolError`.
        """
        target = with_query(url, query)
        body = form if isinstance(form, Form) or form is None else encode(form).encode()
        for _ in range(_MOST_REDIRECTS):
            response = await self._exchange(name, method, target, body, headers or {}, deadline)
            location = response.headers.get("location", "")
            if not redirect or response.status not in _REDIRECTS or not location:
                return response
            target = _next_hop(name, target, location)
            headers = None
            if response.status not in _KEEP_METHOD:
                method, body = "GET", None
        raise ProtocolError(name, f"more than {_MOST_REDIRECTS} redirects")

    @asynccontextmanager
    async def outside(
        self, method: Literal["GET", "HEAD"], url: str, *, name: str, deadline: float | None = None
    ) -> AsyncIterator[Outside]:
        """An answer of any host on the web, to be read while entered.

        The address is of somebody else's choosing, so nothing of the account goes out, no cookie either;
        redirects are followed over https only. Raises `InvalidRequest` for an address that is no https or
        names a host by number, `NetworkError`, `ProtocolError`.
        """
        answer = await self._ask(method, url, name, deadline)
        try:
            yield Outside(name, answer)
        finally:
            answer.close()

    async def call(self, session: Session, call: Call[T]) -> T:
        """What Zalo answers to a call, as the type the call names.

        Raises `ApiError` and its kinds, `HttpStatusError`, `ProtocolError`, `NetworkError`. Only a call that
        is safe to repeat is repeated, and only when the network failed.
        """
        sealed = _sealed(session, call)
        response = await self._try(call, _address(session, call, sealed), sealed)
        key = cipher.session_key(session.secret_key) if call.encrypted else None
        return envelope.read(call.name, success(call.name, response), key, call.answer)

    async def _try(self, call: Call[Any], url: str, params: str) -> Response:
        attempts = self._attempts if call.safe_to_retry else 1
        for attempt in range(1, attempts):
            try:
                return await self._send(call, url, params)
            except NetworkError:
                await self.clock.sleep(self._random.uniform(0.5, 1.0) * _FIRST_BACKOFF * 2**attempt)
        return await self._send(call, url, params)

    async def _send(self, call: Call[Any], url: str, params: str) -> Response:
        form: Form | str | None = params if call.place == "form" else None
        if call.part is not None:
            form = Form(call.part, self._random)
        return await self.request(call.method, url, name=call.name, form=form, deadline=call.deadline)

    async def _exchange(
        self,
        name: str,
        method: str,
        url: str,
        body: bytes | Form | None,
        headers: Mapping[str, str],
        deadline: float | None,
    ) -> Response:
        if isinstance(body, Form):
            headers = {**headers, "content-type": body.content_type, "content-length": str(body.size)}
        with _named(name, url):
            async with self.client.request(
                method,
                URL(url, encoded=True),
                data=body.blocks() if isinstance(body, Form) else body,
                headers=self._headers(url, headers),
                allow_redirects=False,
                proxy=self.proxy,
                timeout=self._timeout(deadline),
                middlewares=(_send_once,),
            ) as answer:
                self.jar.store(url, answer.headers.getall("set-cookie", ()), self.clock.now_ms())
                return Response(answer.status, answer.headers.copy(), await answer.read(), url)

    async def _ask(self, method: str, url: str, name: str, deadline: float | None) -> aiohttp.ClientResponse:
        for _ in range(_MOST_REDIRECTS):
            _check_outside(url)
            with _named(name, url):
                answer = await self.client.request(
                    method,
                    URL(url, encoded=url.isascii()),
                    headers={"user-agent": self.user_agent, "accept-encoding": "identity"},
                    allow_redirects=False,
                    proxy=self.proxy,
                    timeout=self._timeout(deadline),
                    middlewares=(_send_once,),
                )
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.close()
            url = _next_hop(name, url, location)
        raise ProtocolError(name, f"more than {_MOST_REDIRECTS} redirects")

    def _headers(self, url: str, special: Mapping[str, str]) -> dict[str, str]:
        headers = {**DEFAULT_HEADERS, "user-agent": self.user_agent, **special}
        cookies = self.jar.header(url, self.clock.now_ms())
        return {**headers, "cookie": cookies} if cookies else headers

    def _timeout(self, deadline: float | None) -> aiohttp.ClientTimeout:
        total = self._deadlines.total if deadline is None else deadline
        return aiohttp.ClientTimeout(total=total, connect=min(self._deadlines.connect, total))


def success(name: str, response: Response) -> bytes:
    """The body of an answer whose status is 2xx. Raises `HttpStatusError` for any other."""
    if not 200 <= response.status < 300:
        raise HttpStatusError(name, response.status)
    return response.body


def encode(pairs: Pairs | str) -> str:
    """A query or a form, as a browser encodes it. A text is taken as encoded already."""
    if isinstance(pairs, str):
        return pairs
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


def with_query(url: str, pairs: Pairs | str) -> str:
    """The URL with more parameters behind those it has."""
    added = encode(pairs)
    if not added:
        return url
    return f"{url}{'&' if '?' in url else '?'}{added}"


def _sealed(session: Session, call: Call[Any]) -> str:
    if call.params is None:
        return ""
    sealed = cipher.encrypt(cipher.session_key(session.secret_key), envelope.compact(call.params))
    # Base64 holds only these three: replacing them costs a fraction of what a general encoder does.
    return "params=" + sealed.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def _address(session: Session, call: Call[Any], sealed: str) -> str:
    hosts = session.services.get(call.service)
    if not hosts:
        raise ProtocolError(call.name, f"the login gave no address for the service `{call.service}`")
    api = session.api
    texts = {"version": f"zpw_ver={api.version}&zpw_type={api.type}", "params": sealed}
    return with_query(hosts[0] + call.path, "&".join(texts.get(field, field) for field in call.fields))


def _next_hop(name: str, url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target).scheme != "https":
        raise ProtocolError(name, "a redirect leads away from https")
    return target


def _check_outside(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidRequest("only https addresses are fetched")
    try:
        ip_address(parts.hostname)
    except ValueError:
        return
    # Whoever writes a message chooses the address: it must not lead to a machine near this one.
    raise InvalidRequest("addresses that name a host by its number are not fetched")


class _BrokenConnectionError(aiohttp.ClientError):
    """A connection that broke after something was sent over it."""


async def _send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating a GET by itself when a kept connection breaks: some GETs change things."""
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenConnectionError from error


@contextmanager
def _named(name: str, url: str) -> Iterator[None]:
    """What the HTTP library raises gets our names. Its texts may hold whole URLs, so none are taken over."""
    host = urlsplit(url).hostname
    try:
        yield
    except aiohttp.ClientConnectorDNSError:
        raise BeforeSending(name, f"the name {host} was not found") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        raise BeforeSending(name, f"no trusted TLS connection to {host}") from None
    except aiohttp.ClientConnectorError as error:
        raise BeforeSending(name, f"no connection to {host} ({error.strerror})") from None
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        raise BeforeSending(name, f"no connection to {host} ({type(error).__name__})") from None
    except aiohttp.InvalidURL:
        raise ProtocolError(name, "an address that is none") from None
    except TimeoutError:
        raise NoAnswer(name, f"no answer from {host} in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(name, f"the connection to {host} broke ({type(error).__name__})") from None
