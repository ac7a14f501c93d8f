"""Requests to Zalo: headers, cookies, redirects, deadlines, retries, and where failures get their names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from socket import gaierror
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar
from urllib.parse import quote_plus, urlsplit

import aiohttp
from yarl import URL

from zaloweb import cipher, envelope
from zaloweb.calls.call import Call
from zaloweb.clock import Clock
from zaloweb.cookies import Jar
from zaloweb.errors import (
    AnswerTooLarge,
    BeforeSending,
    ForeignAddress,
    HttpStatusError,
    InvalidRequest,
    NetworkError,
    NoAnswer,
    NoService,
    ProtocolError,
)
from zaloweb.hosts import Hosts, next_hop
from zaloweb.multipart import Form
from zaloweb.network import NOT_PUBLIC, Network, PrivateAddress
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

ANSWER_LIMIT: Final = 12 * 1024 * 1024
"""Bytes of one answer once decompressed. The largest, the list of 5000 friends, has about half of that."""

_MOST_REDIRECTS = 10
_KEEP_METHOD = (307, 308)
_REDIRECTS = (301, 302, 303, *_KEEP_METHOD)
_FIRST_BACKOFF = 0.4
_MOST_DIGITS = 16

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)

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
        return int(told) if told.isascii() and told.isdecimal() and len(told) < _MOST_DIGITS else None

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
    left out in a rehearsal, which goes nowhere else. Whatever carries cookies goes to `hosts` only.
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
        hosts: Hosts | None = None,
    ) -> None:
        self.jar = jar
        self.hosts = hosts or Hosts()
        self.user_agent = user_agent
        self.clock = clock
        self.proxy = None if network.rehearsal else proxy
        self._network = network
        self._random = random
        self._deadlines = deadlines
        self._attempts = attempts
        self._client: aiohttp.ClientSession | None = None
        self.platform_clock = platform_clock or PlatformClock(clock)
        self._guest: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Default headers go out with each request, so that the socket can use this client without them.
        self._client = aiohttp.ClientSession(
            connector=self._network.connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[self.platform_clock.tracing()],
        )
        return self

    @property
    def rehearsal(self) -> bool:
        """Whether all of this ends at a simulator."""
        return bool(self._network.rehearsal)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        clients, self._client, self._guest = (self._client, self._guest), None, None
        for client in clients:
            if client is not None:
                await client.close()

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
        lost; each address must be Zalo's. `deadline` replaces the usual seconds of each request. Raises
        `NetworkError`, `ProtocolError`, and of those `ForeignAddress` before anything goes to another host.
        """
        target = with_query(url, query)
        body = form if isinstance(form, Form) or form is None else encode(form).encode()
        for _ in range(_MOST_REDIRECTS):
            if refusal := self.hosts.refusal(target):
                raise ForeignAddress(name, refusal)
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
        redirects are followed over https only, and every hop ends at an address of the public internet.
        Raises `InvalidRequest` for an address that is no https or names a host by number, `NetworkError`,
        `ProtocolError`.
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
        return envelope.read(call.name, success(call.name, response, self.clock.now_ms()), key, call.answer)

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
                return Response(answer.status, answer.headers.copy(), await _whole(name, answer), url)

    async def _ask(self, method: str, url: str, name: str, deadline: float | None) -> aiohttp.ClientResponse:
        for _ in range(_MOST_REDIRECTS):
            host = _outside_host(url)
            with _named(name, url):
                if self.proxy is not None:  # which looks the name up for itself, where it cannot be watched
                    await self._network.check_public(host)
                answer = await self._guests.request(
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

    @property
    def _guests(self) -> aiohttp.ClientSession:
        """Connections to hosts of somebody else's choosing, apart from those to Zalo."""
        if self._guest is None:
            connector = self._network.public_connector(direct=self.proxy is None)
            self._guest = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._guest

    def _headers(self, url: str, special: Mapping[str, str]) -> dict[str, str]:
        headers = {**DEFAULT_HEADERS, "user-agent": self.user_agent, **special}
        cookies = self.jar.header(url, self.clock.now_ms())
        return {**headers, "cookie": cookies} if cookies else headers

    def _timeout(self, deadline: float | None) -> aiohttp.ClientTimeout:
        total = self._deadlines.total if deadline is None else deadline
        return aiohttp.ClientTimeout(total=total, connect=min(self._deadlines.connect, total))


async def _whole(name: str, answer: aiohttp.ClientResponse) -> bytes:
    """The body, in blocks as they are decompressed, so that a small answer cannot fill the memory."""
    blocks: list[bytes] = []
    size = 0
    while block := await answer.content.readany():
        size += len(block)
        if size > ANSWER_LIMIT:
            answer.close()
            raise AnswerTooLarge(name, f"the answer has more than {ANSWER_LIMIT // 2**20} MB")
        blocks.append(block)
    return b"".join(blocks)


def success(name: str, response: Response, now_ms: int) -> bytes:
    """The body of an answer whose status is 2xx. Raises the `HttpStatusError` that any other means."""
    if not 200 <= response.status < 300:
        wait_s = retry_after(response.headers.get("retry-after", ""), now_ms)
        raise HttpStatusError.of_status(name, response.status, wait_s)
    return response.body


def retry_after(text: str, now_ms: int) -> float | None:
    """The seconds that a `Retry-After` asks for, as a number or as a date; None when it says neither."""
    told = text.strip()
    if told.isascii() and told.isdecimal():
        return float(told[:_MOST_DIGITS])
    try:
        moment = parsedate_to_datetime(told)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - now_ms / 1000
    except (ValueError, TypeError, OverflowError):
        return None


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
        raise NoService(call.name, call.service)
    api = session.api
    texts = {"version": f"zpw_ver={api.version}&zpw_type={api.type}", "params": sealed}
    return with_query(hosts[0] + call.path, "&".join(texts.get(field, field) for field in call.fields))


def _next_hop(name: str, url: str, location: str) -> str:
    try:
        target = next_hop(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        raise ProtocolError(name, "a redirect leads to an address that is none") from None
    if scheme != "https":
        raise ProtocolError(name, "a redirect leads away from https")
    return target


def _outside_host(url: str) -> str:
    """The host of an address that somebody else chose. Raises `InvalidRequest`."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname or "", parts.username or parts.password, parts.port
    except ValueError:
        raise InvalidRequest("this is no address") from None
    if parts.scheme != "https" or not host:
        raise InvalidRequest("only https addresses are fetched")
    if user is not None or _ODD.search(url):
        raise InvalidRequest("addresses with a user, a backslash or blanks are not fetched")
    if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # Whoever writes a message chooses the address: it must not lead to a machine near this one.
        raise InvalidRequest("addresses that name a host by its number are not fetched")
    return host


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
    host = _host_of(url)
    try:
        yield
    except PrivateAddress:
        raise InvalidRequest(f"{host} is no host of the public internet; it is not asked") from None
    except (aiohttp.ClientConnectorDNSError, gaierror):
        raise BeforeSending(name, f"the name {host} was not found") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        raise BeforeSending(name, f"no trusted TLS connection to {host}") from None
    except aiohttp.ClientConnectorError as error:
        if NOT_PUBLIC in str(error.strerror):
            raise InvalidRequest(f"{host} is no host of the public internet; it is not asked") from None
        raise BeforeSending(name, f"no connection to {host} ({error.strerror})") from None
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        raise BeforeSending(name, f"no connection to {host} ({type(error).__name__})") from None
    except (aiohttp.InvalidURL, ValueError):
        raise ProtocolError(name, "an address that is none") from None
    except TimeoutError:
        raise NoAnswer(name, f"no answer from {host} in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(name, f"the connection to {host} broke ({type(error).__name__})") from None


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
