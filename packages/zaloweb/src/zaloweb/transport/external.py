"""Requests to hosts that messages name: the pictures and files that they link to.

They carry nothing of the account, and every hop must be an address of the public internet.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from zaloweb.errors import InvalidRequest, ProtocolError, ZaloError
from zaloweb.trace import Trace, TracedCall
from zaloweb.transport.clock import Clock
from zaloweb.transport.exchange import (
    MOST_REDIRECTS,
    REDIRECTS,
    Deadlines,
    map_errors,
    redirect_target,
    send_once,
)
from zaloweb.transport.network import Network

Method = Literal["GET", "HEAD"]
log = logging.getLogger(__name__)

_MOST_DIGITS = 16
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


class ExternalResponse:
    """The head of an answer of an external host; `blocks` reads its body."""

    def __init__(self, name: str, answer: aiohttp.ClientResponse) -> None:
        self._name = name
        self._answer = answer
        self.status = answer.status
        self.received = 0
        self.content_type = answer.content_type

    @property
    def size(self) -> int | None:
        """The number of bytes the host announces; None if it does not."""
        told = self._answer.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) < _MOST_DIGITS else None

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `NetworkError`."""
        while True:
            with map_errors(self._name, str(self._answer.url)):
                block = await self._answer.content.readany()
            if not block:
                return
            self.received += len(block)
            yield block


class ExternalClient:
    """Connections to external hosts, separate from those to Zalo. Close it after use."""

    def __init__(
        self,
        network: Network,
        *,
        user_agent: str,
        proxy: str | None,
        deadlines: Deadlines,
        clock: Clock,
        trace: Trace,
    ) -> None:
        self._network = network
        self._clock = clock
        self._trace = trace
        self._user_agent = user_agent
        self._proxy = proxy
        self._deadlines = deadlines
        self._client: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(
        self, method: Method, url: str, *, name: str, deadline: float | None
    ) -> AsyncIterator[ExternalResponse]:
        """An answer, to be read while entered; see `Transport.outside`."""
        started = self._clock.monotonic()
        try:
            answer = await self._follow(method, url, name, deadline)
        except ZaloError as error:
            self._tell(name, method, started, error=type(error).__name__)
            raise
        response = ExternalResponse(name, answer)
        try:
            yield response
        finally:
            answer.close()
            self._tell(name, method, started, response.received, response.status)

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _tell(
        self,
        name: str,
        method: str,
        started: float,
        received: int = 0,
        status: int | None = None,
        error: str = "",
    ) -> None:
        """Tell the observers of a whole exchange; nothing of its address, which comes from a message."""
        if self._trace.on:
            spent_ms = (self._clock.monotonic() - started) * 1000
            self._trace.tell(TracedCall(name, method, 0, received, spent_ms, status, error=error))

    async def _follow(
        self, method: Method, url: str, name: str, deadline: float | None
    ) -> aiohttp.ClientResponse:
        for _ in range(MOST_REDIRECTS):
            answer = await self._ask(method, url, name, deadline)
            # Without the host: it comes from a message.
            log.debug("%s: %s, status %d", name, method, answer.status)
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not location:
                return answer
            answer.close()
            url = redirect_target(name, url, location)
        raise ProtocolError(name, f"more than {MOST_REDIRECTS} redirects")

    async def _ask(
        self, method: Method, url: str, name: str, deadline: float | None
    ) -> aiohttp.ClientResponse:
        host = _checked_host(url)
        with map_errors(name, url):
            if self._proxy is not None:  # which resolves the name itself, where we cannot check it
                await self._network.check_public(host)
            return await self._connections().request(
                method,
                URL(url, encoded=url.isascii()),
                headers={"user-agent": self._user_agent, "accept-encoding": "identity"},
                allow_redirects=False,
                proxy=self._proxy,
                timeout=self._deadlines.timeout(deadline),
                middlewares=(send_once,),
            )

    def _connections(self) -> aiohttp.ClientSession:
        if self._client is None:
            connector = self._network.public_connector(direct=self._proxy is None)
            self._client = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._client


def _checked_host(url: str) -> str:
    """The host of an address from a message. Raises `InvalidRequest`."""
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
        # The sender chooses the address: it must not lead into the local network.
        raise InvalidRequest("addresses that name a host by its number are not fetched")
    return host
