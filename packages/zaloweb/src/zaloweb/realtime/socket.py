"""One WebSocket to Zalo, from the upgrade to its end: the key, the pings, the frames in order.

Zalo's side of it: the upgrade is authenticated by cookies alone; nothing is sent until the server's first
frame brings the key for encrypted events; from then on the client pings at the server's interval, the first
time after one whole interval, and a second key starts the interval again. A dead connection sends no close
frame, so it is detected here by its silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler

from zaloweb.errors import BeforeSending
from zaloweb.events import CipherKey, Connected, Decoder, Duplicate, Event, Pong
from zaloweb.trace import Trace, TracedCall, TracedFrame
from zaloweb.transport.clock import Clock
from zaloweb.transport.writing import BeforeWrite, allowed, ask
from zaloweb.wire import frames
from zaloweb.wire.frames import Cmd, command_of, kind_of
from zaloweb.wire.reconnect import CloseCode

log = logging.getLogger(__name__)

HANDSHAKE_S: Final = 30.0
"""Seconds from the first attempt to connect until the server's key must have come."""

ANSWER_S: Final = 10.0
"""Seconds a server gets to answer a ping, and again a WebSocket ping.

A quarter of the ping interval if that is shorter, so that a dead connection is noticed within two intervals.
"""

_LARGEST_FRAME = 4 * 1024 * 1024
_DEFLATE_WINDOW = 15
_CLOSE_S = 2.0
_GONE_S = 0.5
"""How long a connection may take to go once its WebSocket is closed. Then it is cut."""

_SWITCHING = 101
_BROKEN = (aiohttp.ClientError, OSError)
_NOT_SENDABLE = frozenset({CloseCode.NO_CODE, CloseCode.LOST})

Deliver = Callable[[Sequence[Event]], Awaitable[None]]
"""Takes the events of one frame, in order."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The URL and headers of a connection. The headers hold cookies, so they are never shown."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """An established connection has ended. `lived_s` counts from its key."""

    code: int
    reason: str
    lived_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectFailure:
    """No connection was established. `status` is the HTTP status of the refusal, if the server answered."""

    reason: str
    status: int | None = None


class Connection:
    """One connection, used once: `run` lasts as long as it does and returns how it ended.

    `http` must be a session without default headers; `ping_s` is the server's interval in seconds. `answers`
    says whether this server has ever answered a ping: only then its silence counts.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        decoder: Decoder,
        ping_s: float,
        *,
        answers: bool = False,
        trace: Trace | None = None,
        before_write: BeforeWrite = allowed,
    ) -> None:
        self._before_write = before_write
        self._http = http
        self._clock = clock
        self._decoder = decoder
        self._ping_s = ping_s
        self._answer_s = min(ANSWER_S, ping_s / 4)
        self.answers = answers
        self._trace = trace or Trace()
        self._line: _Line | None = None
        self._keyed_at: float | None = None

    async def run(self, upgrade: Upgrade, deliver: Deliver) -> ConnectionEnd | ConnectFailure:
        """Connect and deliver every event in order until the connection ends. Cancelled, it closes with 1000.

        `Connected` follows the first key. While `deliver` runs nothing is read, which applies back-pressure
        to the server, but pings continue.
        """
        code: int = CloseCode.STOPPED
        async with _Tasks() as tasks:
            tasks.start(self._live(upgrade, deliver, tasks))
            tasks.start_timer(self._deadline())
            try:
                outcome = await tasks.outcome()
                code = outcome.code if isinstance(outcome, ConnectionEnd) else code
            finally:
                # Before the reader is stopped, so that the server's answer to the close is still read.
                if self._line is not None:
                    await self._line.close(code)
        if isinstance(outcome, ConnectionEnd):  # without its reason, which is the server's own text
            log.debug("closed with %d, %.1f s after its key", outcome.code, outcome.lived_s)
        else:
            log.debug("not connected: %s", outcome.reason)
        return outcome

    async def send(self, frame: bytes) -> None:
        """Send one frame. Raises `BeforeSending` when there is no open connection."""
        if self._line is None:
            raise BeforeSending("socket", "not connected")
        await self._line.send(frame)

    async def _live(
        self, upgrade: Upgrade, deliver: Deliver, tasks: _Tasks
    ) -> ConnectionEnd | ConnectFailure:
        started = self._clock.monotonic()
        try:
            socket = await self._open(upgrade)
        except aiohttp.WSServerHandshakeError as error:
            self._tell_upgrade(upgrade, started, error.status)
            return ConnectFailure(f"the server refused with HTTP status {error.status}", error.status)
        except BeforeSending as error:
            return ConnectFailure(error.reason)
        except (*_BROKEN, ValueError) as error:
            self._tell_upgrade(upgrade, started, None, type(error).__name__)
            # The library's own texts may hold whole URLs.
            return ConnectFailure(f"no connection ({getattr(error, 'strerror', '') or type(error).__name__})")
        self._tell_upgrade(upgrade, started, _SWITCHING)
        endpoint = urlsplit(upgrade.url).hostname or ""
        self._line = _Line(socket, self._clock, endpoint, self._trace, self._before_write)
        log.debug("upgraded at %s, waiting for the key", self._line.endpoint)
        return await self._read(self._line, deliver, tasks)

    def _tell_upgrade(self, upgrade: Upgrade, started: float, status: int | None, error: str = "") -> None:
        if self._trace.on:
            spent_ms = (self._clock.monotonic() - started) * 1000
            query = urlsplit(upgrade.url).query
            self._trace.tell(TracedCall("connect", "GET", len(query), 0, spent_ms, status, error=error))

    async def _open(self, upgrade: Upgrade) -> aiohttp.ClientWebSocketResponse:
        return await self._http.ws_connect(
            upgrade.url,
            headers=upgrade.headers,
            proxy=upgrade.proxy,
            autoping=False,
            autoclose=False,
            compress=_DEFLATE_WINDOW,
            max_msg_size=_LARGEST_FRAME,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
        )  # the session that this is called on refuses redirects, see `upgrade_only`

    async def _read(self, line: _Line, deliver: Deliver, tasks: _Tasks) -> ConnectionEnd:
        while True:
            frame = await line.next()
            if isinstance(frame, ConnectionEnd):
                return self._with_lifetime(frame)
            events = self._decoder.decode(frame)
            if log.isEnabledFor(logging.DEBUG):
                log.debug("frame %d in: %d bytes, %d events", command_of(frame), len(frame), len(events))
            match events:  # each of these is the only event of its frame
                case [Pong()]:
                    self.answers = True
                case [CipherKey()]:
                    tasks.start_timer(self._keep_alive(line))
                    log.debug("the key came; a ping every %.0f s", self._ping_s)
                    if self._keyed_at is None:
                        self._keyed_at = self._clock.monotonic()
                        events.append(Connected(line.endpoint))
            if events:
                await deliver(events)
            if events == [Duplicate()]:
                return self._with_lifetime(ConnectionEnd(CloseCode.REPLACED, ""))

    async def _deadline(self) -> ConnectFailure:
        await self._clock.sleep(HANDSHAKE_S)
        return ConnectFailure(f"no key within {HANDSHAKE_S:.0f} seconds")

    async def _keep_alive(self, line: _Line) -> ConnectionEnd:
        wait = self._ping_s
        while True:
            await self._clock.sleep(wait)
            sent = self._clock.monotonic()
            try:
                await line.send(frames.ping(self._clock.now_ms()))
            except BeforeSending:
                return self._with_lifetime(
                    ConnectionEnd(CloseCode.LOST, "the connection broke while sending")
                )
            if self.answers and not await self._answered(line):
                return self._with_lifetime(ConnectionEnd(CloseCode.LOST, "the server stopped answering"))
            wait = self._ping_s - (self._clock.monotonic() - sent)

    async def _answered(self, line: _Line) -> bool:
        """Whether anything arrives after a ping, or else after a WebSocket ping."""
        await self._clock.sleep(self._answer_s)
        return line.silent_for() < self._answer_s or await line.is_there(self._answer_s)

    def _with_lifetime(self, ended: ConnectionEnd) -> ConnectionEnd:
        since = self._keyed_at
        return (
            ended
            if since is None
            else ConnectionEnd(ended.code, ended.reason, self._clock.monotonic() - since)
        )


class _Line:
    """An open WebSocket, and how long the other side has been silent."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        clock: Clock,
        endpoint: str,
        trace: Trace,
        before_write: BeforeWrite,
    ) -> None:
        self.endpoint = endpoint
        self._before_write = before_write
        self._trace = trace
        self._socket = socket
        self._clock = clock
        self._listening_since: float | None = None
        self._heard = 0

    async def next(self) -> bytes | ConnectionEnd:
        """The next binary frame, or the end. Text frames are ignored."""
        while True:
            message = await self._receive()
            if self._trace.on and (kind := _kind_of(message)):
                self._trace.tell(TracedFrame(kind, False, _size_of(message), _code_of(message)))
            if message.type is aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return ConnectionEnd(message.data or CloseCode.NO_CODE, message.extra or "")
            if message.type is aiohttp.WSMsgType.PING:
                with suppress(*_BROKEN):  # the next receive tells how it ended
                    await self._pong(message.data)
            elif message.type not in (aiohttp.WSMsgType.PONG, aiohttp.WSMsgType.TEXT):
                return ConnectionEnd(CloseCode.LOST, "")

    async def send(self, frame: bytes) -> None:
        """Send one frame. Raises `BeforeSending`."""
        if self._socket.closed:
            raise BeforeSending("socket", "not connected")
        ask(self._before_write, "socket")
        try:
            await self._socket.send_bytes(frame)
            if log.isEnabledFor(logging.DEBUG):
                log.debug("frame %d out: %d bytes", command_of(frame), len(frame))
            self._tell_sent(kind_of(frame), len(frame))
        except _BROKEN as error:
            raise BeforeSending("socket", "the connection is closing") from error

    def silent_for(self) -> float:
        """Seconds of silence; 0 while nothing is being received."""
        if self._listening_since is None:
            return 0.0
        return self._clock.monotonic() - self._listening_since

    async def is_there(self, within: float) -> bool:
        """Send a WebSocket ping: whether anything arrives within so many seconds."""
        if self._before_write():
            return False
        heard = self._heard
        self._tell_sent("websocket ping", 0)
        try:
            await self._socket.ping()
        except _BROKEN:
            return False
        await self._clock.sleep(within)
        return self._heard > heard

    async def close(self, code: int) -> None:
        """Close from our side, if it is still open; without a word where nothing may be written."""
        if self._before_write():
            self._abort()
            return
        code = CloseCode.STOPPED if code in _NOT_SENDABLE else code
        if not self._socket.closed:
            self._tell_sent("close", 0, code)
        connection = self._socket._response.connection
        protocol, transport = (connection.protocol, connection.transport) if connection else (None, None)
        await self._socket.close(code=code)
        if protocol is not None and transport is not None:
            await _gone(protocol, transport)

    def _abort(self) -> None:
        """End the connection below the WebSocket: closing that would write a frame."""
        response = self._socket._response
        if response.connection is not None and response.connection.transport is not None:
            response.connection.transport.abort()
        response.close()

    async def _pong(self, data: bytes) -> None:
        if not self._before_write():
            self._tell_sent("websocket pong", len(data))
            await self._socket.pong(data)

    def _tell_sent(self, kind: str, size: int, code: int | None = None) -> None:
        if self._trace.on:
            self._trace.tell(TracedFrame(kind, True, size, code))

    async def _receive(self) -> aiohttp.WSMessage:
        self._listening_since = self._clock.monotonic()
        try:
            message = await self._socket.receive()
        finally:
            self._listening_since = None
        self._heard += 1
        return message


async def _gone(protocol: ResponseHandler, transport: asyncio.Transport) -> None:
    """Return once a closed connection is gone: nothing of it is to outlive the event loop.

    TLS waits for the end of the other side, and nobody waits for TLS where the connection was a WebSocket.
    """
    closed = protocol.closed
    if closed is None:
        return
    try:
        await asyncio.wait([closed], timeout=_GONE_S)
    finally:
        if closed.done() and not closed.cancelled():
            closed.exception()  # how it went is nobody's concern any more
        else:
            transport.abort()


_OWN_KINDS: Final = {
    aiohttp.WSMsgType.CLOSE: "close",
    aiohttp.WSMsgType.PING: "websocket ping",
    aiohttp.WSMsgType.PONG: "websocket pong",
    aiohttp.WSMsgType.TEXT: "text",
    aiohttp.WSMsgType.CLOSED: "lost",
    aiohttp.WSMsgType.ERROR: "lost",
}


def _kind_of(message: aiohttp.WSMessage) -> str:
    """What observers call a received message; empty for the end that we asked for."""
    if message.type is not aiohttp.WSMsgType.BINARY:
        return _OWN_KINDS.get(message.type, "")
    return "pong" if command_of(message.data) == Cmd.PING else kind_of(message.data)


def _size_of(message: aiohttp.WSMessage) -> int:
    return len(message.data) if isinstance(message.data, bytes | bytearray | str) else 0


def _code_of(message: aiohttp.WSMessage) -> int | None:
    if message.type is aiohttp.WSMsgType.CLOSE:
        return int(message.data or CloseCode.NO_CODE)
    return CloseCode.LOST if _kind_of(message) == "lost" else None


async def upgrade_only(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware that rejects any answer but an upgrade.

    aiohttp follows the redirects of an upgrade by itself, and would send the cookies wherever they lead.
    """
    answer = await send(request)
    if answer.status != _SWITCHING:
        answer.close()
        told = "no upgrade"
        raise aiohttp.WSServerHandshakeError(answer.request_info, (), status=answer.status, message=told)
    return answer


class _Tasks:
    """The tasks of one connection.

    The first result says how the connection ended; leaving cancels the others.
    """

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._all: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[ConnectionEnd | ConnectFailure] = (
            asyncio.get_running_loop().create_future()
        )

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._all:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def start(self, work: Coroutine[None, None, ConnectionEnd | ConnectFailure]) -> asyncio.Task[None]:
        """Start a task."""
        task = self._group.create_task(self._tell(work))
        self._all.add(task)
        task.add_done_callback(self._all.discard)
        return task

    def start_timer(self, work: Coroutine[None, None, ConnectionEnd | ConnectFailure]) -> None:
        """Start a task that replaces the previous timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.start(work)

    async def outcome(self) -> ConnectionEnd | ConnectFailure:
        """The first result of a task."""
        return await self._outcome

    async def _tell(self, work: Coroutine[None, None, ConnectionEnd | ConnectFailure]) -> None:
        outcome = await work
        if not self._outcome.done():
            self._outcome.set_result(outcome)
