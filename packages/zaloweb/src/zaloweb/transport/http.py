"""Requests to Zalo: headers, cookies, redirects, deadlines, retries, error mapping."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from zaloweb.calls.call import Call
from zaloweb.cookies import Jar
from zaloweb.errors import (
    AnswerTooLarge,
    ApiError,
    ForeignAddress,
    HttpStatusError,
    NetworkError,
    NoService,
    ProtocolError,
    ZaloError,
)
from zaloweb.session import Session
from zaloweb.trace import Trace, TracedCall
from zaloweb.transport.clock import Clock, SystemClock
from zaloweb.transport.connections import ANSWER_LIMIT as ANSWER_LIMIT
from zaloweb.transport.connections import Connections, whole
from zaloweb.transport.exchange import (
    KEEP_METHOD,
    MOST_REDIRECTS,
    REDIRECTS,
    Deadlines,
    map_errors,
    redirect_target,
    send_once,
)
from zaloweb.transport.external import ExternalClient, ExternalResponse, Method
from zaloweb.transport.network import Network
from zaloweb.transport.platform_clock import PlatformClock
from zaloweb.transport.writing import BeforeWrite, allowed, tracing
from zaloweb.wire import cipher, envelope
from zaloweb.wire.envelope import Envelope
from zaloweb.wire.hosts import Hosts, shown
from zaloweb.wire.multipart import Form
from zaloweb.wire.urls import Pairs, encode, with_query

T = TypeVar("T")
log = logging.getLogger(__name__)

ORIGIN = "https://chat.zalo.me"
DEFAULT_HEADERS = {
    "accept": "application/json, text/plain, */*",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-US,en;q=0.9",
    "content-type": "application/x-www-form-urlencoded",
    "origin": ORIGIN,
    "referer": f"{ORIGIN}/",
}

_USUAL = Deadlines()
_FIRST_BACKOFF = 0.4
_MOST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer. `url` is its address after redirects.

    `traced` is what observers are told once its code is read; None while nobody observes.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    traced: TracedCall | None = field(default=None, repr=False)


class Transport:
    """The HTTP connections of one account, alive while entered, and its cookie jar.

    A call that may safely be repeated is tried up to `attempts` times while the network fails. A rehearsal
    uses no proxy. Requests with cookies go to `hosts` only, and `before_write` is asked before each. The
    network is the one of `ZALOWEB_NETWORK`, or the real one, unless given.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        user_agent: str,
        jar: Jar,
        clock: Clock | None = None,
        random: Random | None = None,
        proxy: str | None = None,
        deadlines: Deadlines = _USUAL,
        attempts: int = 3,
        platform_clock: PlatformClock | None = None,
        hosts: Hosts | None = None,
        trace: Trace | None = None,
        before_write: BeforeWrite = allowed,
    ) -> None:
        network, clock = network or Network.from_env(), clock or SystemClock()
        self.jar = jar
        self.hosts = hosts or Hosts()
        self.trace = trace or Trace()
        self.before_write = before_write
        self.user_agent = user_agent
        self.clock = clock
        self.proxy = None if network.rehearsal else proxy
        self._network = network
        self.random = random or SystemRandom()
        self._deadlines = deadlines
        self._attempts = attempts
        self._client: aiohttp.ClientSession | None = None
        self._connections: Connections | None = None
        self.platform_clock = platform_clock or PlatformClock(clock)
        self._external = ExternalClient(
            network,
            user_agent=user_agent,
            proxy=self.proxy,
            deadlines=deadlines,
            clock=clock,
            trace=self.trace,
        )

    async def __aenter__(self) -> Self:
        # Default headers go out with each request, so that the socket can use this client without them.
        connector = self._network.connector()
        self._connections = Connections(connector, self.proxy, self.before_write)
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[self.platform_clock.tracing(), tracing(self.before_write)],
        )
        return self

    @property
    def rehearsal(self) -> bool:
        """Whether all requests go to a simulator."""
        return bool(self._network.rehearsal)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client, self._connections = self._client, None, None
        if client is not None:
            await client.close()
        await self._external.close()

    @property
    def connections(self) -> Connections:
        """What small requests go over: the connections of `client`."""
        if self._connections is None:
            raise RuntimeError("a Transport is used inside `async with`")
        return self._connections

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
        """The answer to one request, whatever its status. `name` names it in errors.

        Redirects are followed here, one request each with the default headers, so that no cookie of a hop is
        lost; each address must be Zalo's. `deadline` replaces the usual seconds of each request. Raises
        `NetworkError`, `ProtocolError`, and of those `ForeignAddress` before anything goes to another host.
        """
        response = await self._request(method, url, name, query, form, headers or {}, redirect, deadline)
        if response.traced is not None:
            self.trace.tell(response.traced)
        return response

    async def ask(
        self,
        method: str,
        url: str,
        *,
        name: str,
        query: Pairs | str = (),
        form: Pairs | str | None = None,
        headers: Mapping[str, str] | None = None,
        redirect: bool = True,
        deadline: float | None = None,
        key: bytes | None = None,
    ) -> Envelope:
        """The same as what Zalo says, whatever its code. With a `key`, what its data hold where it has some.

        Raises what `request` raises, and `HttpStatusError`.
        """
        response = await self._request(method, url, name, query, form, headers or {}, redirect, deadline)
        try:
            answer = envelope.parse(name, require_success(name, response, self.clock.now_ms()))
            if key is not None and not answer.empty:
                answer = envelope.parse(name, envelope.open_data(name, answer, key))
        except ZaloError as error:
            self._tell(response, None, error)
            raise
        self._tell(response, answer.code)
        return answer

    async def _request(
        self,
        method: str,
        url: str,
        name: str,
        query: Pairs | str,
        form: Pairs | str | Form | None,
        headers: Mapping[str, str] | None,
        redirect: bool,
        deadline: float | None,
    ) -> Response:
        """The last answer; the observers know of the redirects before it only."""
        target = with_query(url, query)
        body = form if isinstance(form, Form) or form is None else encode(form).encode()
        for _ in range(MOST_REDIRECTS):
            if refusal := self.hosts.refusal(target):
                raise ForeignAddress(name, refusal)
            response = await self._observed_exchange(name, method, target, body, headers or {}, deadline)
            location = response.headers.get("location", "")
            if not redirect or response.status not in REDIRECTS or not location:
                return response
            self._tell(response, None)
            target = redirect_target(name, target, location)
            headers = None
            if response.status not in KEEP_METHOD:
                method, body = "GET", None
        raise ProtocolError(name, f"more than {MOST_REDIRECTS} redirects")

    def outside(
        self, method: Method, url: str, *, name: str, deadline: float | None = None
    ) -> AbstractAsyncContextManager[ExternalResponse]:
        """An answer of any host on the internet, to be read while entered.

        The request carries nothing of the account, not even cookies. Redirects are followed over https only,
        and every hop must be an address of the public internet. Raises `InvalidRequest` for an address that
        is not https or names a host by number, `NetworkError`, `ProtocolError`.
        """
        return self._external.open(method, url, name=name, deadline=deadline)

    async def call(self, session: Session, call: Call[T]) -> T:
        """Zalo's answer to a call, as the type that the call names.

        Raises `ApiError` and its kinds, `HttpStatusError`, `ProtocolError`, `NetworkError`. Only a call that
        is safe to repeat is repeated, and only when the network failed.
        """
        sealed = _sealed(session, call)
        response = await self._try(call, _address(session, call, sealed), sealed)
        key = cipher.session_key(session.secret_key) if call.encrypted else None
        try:
            body = require_success(call.name, response, self.clock.now_ms())
            answer = envelope.read(call.name, body, key, call.answer)
        except ZaloError as error:
            code = error.code if isinstance(error, ApiError) else None
            log.debug("%s (%s %s): code %s", call.name, call.service, call.path, code)
            self._tell(response, code, error)
            raise
        log.debug("%s (%s %s): code 0", call.name, call.service, call.path)
        self._tell(response, 0)
        return answer

    async def _try(self, call: Call[Any], url: str, params: str) -> Response:
        attempts = self._attempts if call.safe_to_retry else 1
        for attempt in range(1, attempts):
            try:
                return await self._send(call, url, params)
            except NetworkError as error:
                wait_s = self.random.uniform(0.5, 1.0) * _FIRST_BACKOFF * 2**attempt
                told = (call.name, attempt, attempts, type(error).__name__, wait_s)
                log.debug("%s: attempt %d of %d ended with %s, the next in %.1f s", *told)
                await self.clock.sleep(wait_s)
        return await self._send(call, url, params)

    async def _send(self, call: Call[Any], url: str, params: str) -> Response:
        form: Form | str | None = params if call.place == "form" else None
        if call.part is not None:
            form = Form(call.part, self.random)
        return await self._request(call.method, url, call.name, (), form, {}, True, call.deadline)

    def _tell(self, response: Response, code: int | None, error: ZaloError | None = None) -> None:
        """Tell the observers of an answer whose code is read."""
        if response.traced is not None:
            failed = type(error).__name__ if error else ""
            self.trace.tell(replace(response.traced, code=code, error=failed))

    async def _observed_exchange(
        self,
        name: str,
        method: str,
        url: str,
        body: bytes | Form | None,
        headers: Mapping[str, str],
        deadline: float | None,
    ) -> Response:
        if not self.trace.on and not log.isEnabledFor(logging.DEBUG):
            return await self._exchange(name, method, url, body, headers, deadline)
        started = self.clock.monotonic()
        try:
            response = await self._exchange(name, method, url, body, headers, deadline)
        except ZaloError as error:
            spent_ms = (self.clock.monotonic() - started) * 1000
            failed = type(error).__name__
            log.debug("%s: %s %s, %s in %.0f ms", name, method, shown(url), failed, spent_ms)
            self.trace.tell(TracedCall(name, method, _sent(url, body), 0, spent_ms, error=failed))
            raise
        spent_ms = (self.clock.monotonic() - started) * 1000
        told = (name, method, shown(url), response.status, len(response.body), spent_ms)
        log.debug("%s: %s %s, status %d, %d bytes in %.0f ms", *told)
        received = len(response.body)
        traced = TracedCall(name, method, _sent(url, body), received, spent_ms, response.status)
        return replace(response, traced=traced)

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
            return await self._upload(name, method, url, body, headers, deadline)
        asked = self.clock.elapsed()

        def heard(headers: CIMultiDictProxy[str]) -> None:
            self.jar.store(url, headers.getall("set-cookie", ()), self.clock.now_ms())
            self.platform_clock.heard(target.raw_host or "", headers, asked)

        with map_errors(name, url):
            target = URL(url, encoded=True)
            timeout = self._deadlines.timeout(deadline)
            going = self._headers(url, headers)
            answer = await self.connections.request(name, method, target, going, body, timeout, heard)
            return Response(answer.status, answer.headers, answer.body, url)

    async def _upload(
        self, name: str, method: str, url: str, form: Form, headers: Mapping[str, str], deadline: float | None
    ) -> Response:
        """A form may be of any size: it is written while the answer is read, by aiohttp's session."""
        headers = {**headers, "content-type": form.content_type, "content-length": str(form.size)}
        with map_errors(name, url):
            async with self.client.request(
                method,
                URL(url, encoded=True),
                data=form.blocks(),
                headers=self._headers(url, headers),
                allow_redirects=False,
                proxy=self.proxy,
                timeout=self._deadlines.timeout(deadline),
                middlewares=(send_once,),
            ) as answer:
                self.jar.store(url, answer.headers.getall("set-cookie", ()), self.clock.now_ms())
                try:
                    return Response(answer.status, answer.headers, await whole(name, answer.content), url)
                except AnswerTooLarge:
                    answer.close()
                    raise

    def _headers(self, url: str, special: Mapping[str, str]) -> dict[str, str]:
        headers = {**DEFAULT_HEADERS, "user-agent": self.user_agent, **special}
        cookies = self.jar.header(url, self.clock.now_ms())
        return {**headers, "cookie": cookies} if cookies else headers


def require_success(name: str, response: Response, now_ms: int) -> bytes:
    """The body of an answer with status 2xx. Raises the `HttpStatusError` for any other status."""
    if not 200 <= response.status < 300:
        wait_s = retry_after(response.headers.get("retry-after", ""), now_ms)
        raise HttpStatusError.of_status(name, response.status, wait_s)
    return response.body


def _sent(url: str, body: bytes | Form | None) -> int:
    """The bytes of the query and the body."""
    return len(url.partition("?")[2]) + (body.size if isinstance(body, Form) else len(body or b""))


def retry_after(text: str, now_ms: int) -> float | None:
    """The seconds in a `Retry-After`, given as a number or a date; None for anything else."""
    told = text.strip()
    if told.isascii() and told.isdecimal():
        return float(told[:_MOST_DIGITS])
    try:
        moment = parsedate_to_datetime(told)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - now_ms / 1000
    except (ValueError, TypeError, OverflowError):
        return None


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
