"""Small requests over the kept connections of an account.

Connections, TLS, proxies and the parser of answers are aiohttp's. Its `ClientSession` is left out: what that
does for each request (headers and cookies merged, a task that writes, redirects, tracing, its own deadline)
costs more processor time than the rest of a call to Zalo. Measured in November 2026: 450 µs a call with it,
250 µs without.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from multidict import CIMultiDictProxy
from yarl import URL

from zaloweb.errors import AnswerTooLarge
from zaloweb.transport.writing import BeforeWrite, ask

ANSWER_LIMIT: Final = 12 * 1024 * 1024
"""Bytes of one answer once decompressed. The largest, the list of 5000 friends, has about half of that."""

_WITHOUT_BODY = ("GET", "HEAD")
_NO_HEADER_HOLDS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: CIMultiDictProxy[str] = field(repr=False)
    body: bytes = field(repr=False)


class Connections:
    """What a connector keeps open, one request at a time on each connection."""

    def __init__(
        self, connector: aiohttp.BaseConnector, proxy: str | None, before_write: BeforeWrite
    ) -> None:
        self._connector = connector
        self._before_write = before_write
        self._proxy = URL(proxy) if proxy else None
        self._origins: dict[URL, aiohttp.ClientRequest] = {}

    async def request(
        self,
        name: str,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,
        heard: Callable[[CIMultiDictProxy[str]], None],
    ) -> Answer:
        """The answer to a request, made once, whatever its status. `name` is what errors call it.

        `heard` is called with its headers before its body has come, which is given decompressed. Raises what
        aiohttp raises, and `TimeoutError`, `AnswerTooLarge`, `BeforeSending`.
        """
        origin = self._origin(url)
        request = _head(method, url, {"Host": origin.headers["Host"], **headers}, body) + (body or b"")
        async with asyncio.timeout(timeout.total):
            try:
                connection = await self._connector.connect(origin, [], timeout)
            except TimeoutError as error:
                raise aiohttp.ConnectionTimeoutError from error
            try:
                ask(self._before_write, name)
                head, payload = await _exchange(connection, request, expects_body=method != "HEAD")
                heard(head.headers)
                body = await whole(name, payload)
            except BaseException:
                connection.close()
                raise
            connection.release()
            return Answer(head.code, head.headers, body)

    def _origin(self, url: URL) -> aiohttp.ClientRequest:
        """What the connector is asked with for a connection to this host: aiohttp's own idea of it."""
        origin = url.origin()
        if origin not in self._origins:
            loop = asyncio.get_running_loop()
            self._origins[origin] = aiohttp.ClientRequest("GET", origin, proxy=self._proxy, loop=loop)
        return self._origins[origin]


async def _exchange(
    connection: Connection, request: bytes, *, expects_body: bool
) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ClientConnectionResetError("the connection was closed before it was used")
    protocol.set_response_params(skip_payload=not expects_body, read_until_eof=True)
    transport.write(request)
    try:
        head, payload = await protocol.read()
        while head.code < 200 and head.code != 101:  # what comes before the answer, such as 103 (early hints)
            head, payload = await protocol.read()
    except HttpProcessingError as error:
        raise aiohttp.ClientPayloadError("the answer is no HTTP") from error
    return head, payload


async def whole(name: str, payload: aiohttp.StreamReader) -> bytes:
    """A body, read in blocks as they are decompressed, so that a small answer cannot fill the memory.

    Raises `AnswerTooLarge`: close the connection then.
    """
    blocks: list[bytes] = []
    size = 0
    while block := await payload.readany():
        size += len(block)
        if size > ANSWER_LIMIT:
            raise AnswerTooLarge(name, f"the answer has more than {ANSWER_LIMIT // 2**20} MB")
        blocks.append(block)
    return b"".join(blocks)


def _head(method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The request line and the headers. Raises `ValueError` for what would break out of a line."""
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    if body is not None or method not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {len(body or b'')}")
    if _NO_HEADER_HOLDS.search("".join(lines)):
        raise ValueError("a control character in a header")
    return "\r\n".join((*lines, "\r\n")).encode()
