"""The ways to an MCP server, with limits: a program that speaks over its pipes, or HTTP.

The official client reads what it is given; what may be given is decided here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, jsonrpc_message_adapter
from pydantic import ValidationError

from clawlane.agents.child import Program
from clawlane.agents.limited_transport import LimitedBody

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 4 * 2**20
"""Bytes of one message of a server."""

_NOISE = 100
"""Lines that are no messages, as careless servers print them; after so many in a row it is left."""

_LAST_WORDS = 2.0
"""Seconds that a program may take to end by itself once its input is closed."""

_STREAM_IDLE = 300.0
"""Seconds without a byte after which the answer to a request is given up."""

_HEARD = ("notifications/tools/list_changed", "notifications/subscriptions/acknowledged")
"""The only notifications that are passed on: of a flood of others nothing is kept."""

Incoming = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]


@asynccontextmanager
async def over_pipes(
    program: Program, environ: Mapping[str, str], gone: Callable[[], None]
) -> AsyncIterator[Streams]:
    """A program as an MCP server; leaving ends it with all that it started. `gone` is called when it ends."""
    async with program.running(environ, LONGEST_MESSAGE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        incoming, reading = anyio.create_memory_object_stream[Incoming]()
        writing, outgoing = anyio.create_memory_object_stream[SessionMessage]()
        async with asyncio.TaskGroup() as group, incoming, reading, writing, outgoing:
            tasks = (
                group.create_task(_read(program.place, process.stdout, incoming, gone)),
                group.create_task(_write(process.stdin, outgoing)),
                group.create_task(_count(program.place, process.stderr)),
            )
            try:
                yield reading, writing
            finally:
                process.stdin.close()
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _LAST_WORDS)
                for task in tasks:
                    task.cancel()


async def _read(
    place: str,
    stdout: asyncio.StreamReader,
    incoming: MemoryObjectSendStream[Incoming],
    gone: Callable[[], None],
) -> None:
    noise = 0
    try:
        while line := await stdout.readline():
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError:
                noise += bool(line.strip())
                if noise > _NOISE:
                    log.warning("%s: it writes what is not MCP; it is left", place)
                    return
                continue
            noise = 0
            if not isinstance(message, JSONRPCNotification) or message.method in _HEARD:
                await incoming.send(SessionMessage(message))
    except ValueError:  # a line that is too long
        log.warning("%s: a message of more than %d MB; it is left", place, LONGEST_MESSAGE // 2**20)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the session is over
    finally:
        incoming.close()
        gone()


async def _write(stdin: asyncio.StreamWriter, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with suppress(ConnectionError):
        async for sent in outgoing:
            body = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(body.encode() + b"\n")
            await stdin.drain()
    outgoing.close()


async def _count(place: str, stderr: asyncio.StreamReader) -> None:
    """Read what a program writes for people. It may hold anything, so only its size is told."""
    size = 0
    try:
        with suppress(OSError, ValueError):
            while part := await stderr.read(64 * 1024):
                size += len(part)
    finally:
        log.debug("%s: %d bytes on its standard error", place, size)


@asynccontextmanager
async def over_http(url: str, headers: Mapping[str, str], connect_s: float) -> AsyncIterator[Streams]:
    """A server at an address. No proxy of the environment is used: it would see the headers."""
    timeout = httpx2.Timeout(connect_s, read=_STREAM_IDLE)
    client = httpx2.AsyncClient(headers=headers, timeout=timeout, transport=_Bounded(), trust_env=False)
    async with (
        client,
        streamable_http_client(url, http_client=client, max_sse_event_size=LONGEST_MESSAGE) as (
            reading,
            writing,
        ),
    ):
        yield reading, writing  # type: ignore[misc]


class KeyRefused(Exception):
    """The server does not let us in: what is under `headers` is wrong or missing."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class _Bounded(httpx2.AsyncBaseTransport):
    """HTTP with answers of at most `LONGEST_MESSAGE` bytes; a stream of events may go on for ever."""

    def __init__(self) -> None:
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":  # the stream of what a server tells by itself: it may be silent for long
            request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "read": None}
        # A compressed answer would be small here and large once it is unpacked.
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.status_code in (401, 403):
            await response.aclose()
            raise KeyRefused(response.status_code)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.DecodingError("a compressed answer", request=request)
        if not response.headers.get("Content-Type", "").lower().startswith("text/event-stream"):
            too_long = httpx2.StreamError("the answer is too large")
            response.stream = LimitedBody(response.stream, LONGEST_MESSAGE, too_long)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
