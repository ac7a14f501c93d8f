"""HTTP for clients of models and MCP servers, with an end to the length of an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx2

from clawlane.agents.endpoint import LONGEST_ANSWER

_CONNECT = 10.0
"""Seconds. How long an answer takes is limited by the turn."""


class AnswerTooLong(Exception):
    """A provider's answer is larger than any answer should be."""


class LimitedBody(httpx2.AsyncByteStream):
    """A body that raises `too_long` after so many bytes."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int, too_long: Exception) -> None:
        self._body = body
        self._most = most
        self._too_long = too_long

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._body:
            size += len(part)
            if size > self._most:
                raise self._too_long
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


class LimitedTransport(httpx2.AsyncBaseTransport):
    """Passes requests on, and breaks off an answer of more than `LONGEST_ANSWER` bytes on the wire.

    Compressed answers are not asked for: a few bytes of them can become many.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise AnswerTooLong
        response.stream = LimitedBody(response.stream, LONGEST_ANSWER, AnswerTooLong())
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def client(
    inner: httpx2.AsyncBaseTransport | None = None, headers: Mapping[str, str] | None = None
) -> httpx2.AsyncClient:
    """A client that follows no redirects: they would take the key and the conversation elsewhere."""
    transport = LimitedTransport(inner or httpx2.AsyncHTTPTransport())
    return httpx2.AsyncClient(
        headers=headers,
        transport=transport,
        timeout=httpx2.Timeout(None, connect=_CONNECT),
        follow_redirects=False,
    )
