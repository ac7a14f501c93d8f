"""Keeps an account connected across reconnects, and delivers its events in order."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from zaloweb.errors import BeforeSending, SessionExpired, SettingsError
from zaloweb.events import Decoder, Disconnected
from zaloweb.realtime.socket import ConnectFailure, Connection, ConnectionEnd, Deliver, Upgrade, upgrade_only
from zaloweb.session import Api, Session
from zaloweb.transport.http import ORIGIN, Transport
from zaloweb.transport.writing import tracing
from zaloweb.wire.reconnect import CloseCode, Reconnect, ReconnectPolicy, RetryTable, Stop

T = TypeVar("T")
log = logging.getLogger(__name__)

_NOT_ALLOWED = frozenset({401, 403})
_GIVEN_UP = "given up for a new connection"


class Listener:
    """The one web listener that an account may have.

    Requests over the socket are numbered across its connections.
    """

    def __init__(self, session: Session, transport: Transport) -> None:
        self._session = session
        self._transport = transport
        self._clock = transport.clock
        self._policy = ReconnectPolicy(
            RetryTable.from_settings(session.settings), len(session.ws_urls), transport.random
        )
        self._numbers = itertools.count()
        self._connection: Connection | None = None
        self._answers = False
        self._reconnect_now = False
        self._scope: asyncio.Timeout | None = None

    async def run(self, deliver: Deliver) -> NoReturn:
        """Connect, and connect again, until cancelled.

        Raises `Replaced`, `Kicked` or `SessionExpired` when it must not connect again.
        """
        if not self._session.ws_urls:
            raise SettingsError("the session has no address to listen at: log in again")
        for url in self._session.ws_urls:
            if refusal := self._transport.hosts.refusal(url, "wss"):
                raise SettingsError(f"the session cannot listen, for {refusal}: log in again")
        # Only the transport's connections fit: its session adds headers that an upgrade does not have.
        async with aiohttp.ClientSession(
            connector=self._transport.client.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept",),
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[
                self._transport.platform_clock.tracing(),
                tracing(self._transport.before_write),
            ],
            middlewares=(upgrade_only,),
        ) as http:
            await self._keep_connected(http, deliver)

    async def _keep_connected(self, http: aiohttp.ClientSession, deliver: Deliver) -> NoReturn:
        while True:
            outcome = await self._unless_reconnected(self._connect_once(http, deliver))
            if outcome is None:
                log.debug("%s reconnects at once, as asked", self._session.uid)
                await deliver([Disconnected(CloseCode.LOST, _GIVEN_UP, 0)])
                continue
            decision = self._decide(outcome)
            code = outcome.code if isinstance(outcome, ConnectionEnd) else CloseCode.LOST
            if isinstance(decision, Stop):
                log.debug("%s stops listening: %s", self._session.uid, type(decision.error).__name__)
                await deliver([Disconnected(code, outcome.reason, None)])
                raise decision.error
            told = (self._session.uid, decision.wait_ms, decision.endpoint)
            log.debug("%s reconnects in %d ms, to endpoint %d", *told)
            await deliver([Disconnected(code, outcome.reason, decision.wait_ms)])
            await self._unless_reconnected(self._clock.sleep(decision.wait_ms / 1000))

    def reconnect(self) -> None:
        """Drop the present connection, or the wait for the next one, and connect at once."""
        self._reconnect_now = True
        if self._scope is not None:
            self._scope.reschedule(0)

    async def _unless_reconnected(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of the work; None if `reconnect` interrupted it."""
        try:
            async with asyncio.timeout(None) as scope:
                self._scope = scope
                if self._reconnect_now:
                    scope.reschedule(0)
                return await work
        except TimeoutError:
            if not scope.expired():
                raise
            return None
        finally:
            self._scope, self._reconnect_now = None, False

    async def request(self, numbered: Callable[[int], bytes]) -> None:
        """Send the request that `numbered` makes of the next number.

        Raises `BeforeSending` without a connection.
        """
        if self._connection is None:
            raise BeforeSending("socket", "not connected")
        await self._connection.send(numbered(next(self._numbers)))

    async def _connect_once(
        self, http: aiohttp.ClientSession, deliver: Deliver
    ) -> ConnectionEnd | ConnectFailure:
        # A key is valid for one connection, so each connection has its own decoder.
        connection = Connection(
            http,
            self._clock,
            Decoder(self._session.uid),
            self._session.settings.ping_ms(rehearsed=self._transport.rehearsal) / 1000,
            answers=self._answers,
            trace=self._transport.trace,
            before_write=self._transport.before_write,
        )
        self._connection = connection
        try:
            return await connection.run(self._upgrade(), deliver)
        finally:
            self._answers = connection.answers
            self._connection = None

    def _upgrade(self) -> Upgrade:
        now_ms = self._clock.now_ms()
        url = self._session.ws_urls[self._policy.endpoint]
        cookies = self._transport.jar.header(f"{ORIGIN}/", now_ms)
        headers = upgrade_headers(self._transport.user_agent, cookies)
        return Upgrade(endpoint_url(url, now_ms, self._session.api), headers, self._transport.proxy)

    def _decide(self, outcome: ConnectionEnd | ConnectFailure) -> Reconnect | Stop:
        if isinstance(outcome, ConnectionEnd):
            self._policy.lived(outcome.lived_s)
            return self._policy.closed(outcome.code)
        if outcome.status in _NOT_ALLOWED:
            reason = f"the socket was refused with HTTP status {outcome.status}"
            return Stop(SessionExpired(None, reason, "connect"))
        return self._policy.unreachable()


def endpoint_url(url: str, now_ms: int, api: Api) -> str:
    """The URL to connect to: the endpoint's query, then time, version and type if it lacks them."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = {name for name, _ in query}
    added = [("t", str(now_ms)), ("zpw_ver", str(api.version)), ("zpw_type", str(api.type))]
    query += [(name, value) for name, value in added if name not in given]
    return parts._replace(path=parts.path or "/", query=urlencode(query)).geturl()


def upgrade_headers(user_agent: str, cookies: str) -> dict[str, str]:
    """The headers of the upgrade request. `prgama` is misspelt on the wire."""
    headers = {
        "accept-encoding": "gzip, deflate, br, zstd",
        "accept-language": "en-US,en;q=0.9",
        "cache-control": "no-cache",
        "origin": ORIGIN,
        "prgama": "no-cache",
        "user-agent": user_agent,
    }
    return {**headers, "cookie": cookies} if cookies else headers
