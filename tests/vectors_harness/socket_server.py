"""The server's end of Zalo's WebSocket, driven by a test: it takes whoever connects and does nothing by
itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from zaloweb.wire.frames import Cmd, Frame, pack


@dataclass(slots=True)
class Peer:
    """One client that connected. `closed` is the code and reason it closed with, or 1006 when it just went
    away.
    """

    request: web.Request
    socket: web.WebSocketResponse
    received: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    closed: asyncio.Future[tuple[int, str]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    pinged: asyncio.Event = field(default_factory=asyncio.Event)
    ponged: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    answers_pings: bool = True

    @property
    def query(self) -> list[list[str]]:
        """The query in its order."""
        return [[name, value] for name, value in self.request.query.items()]

    async def push(self, frame: bytes) -> None:
        """Send a binary frame."""
        await self.socket.send_bytes(frame)

    async def give_key(self, key: str) -> None:
        """Send the key for encrypted events."""
        await self.push(pack(Frame(1, Cmd.CIPHER_KEY, 1, f'{{"key":"{key}"}}'.encode())))

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a code; 1006, which cannot be sent, cuts the line."""
        if code == 1006:
            self.cut()
        else:
            await self.socket.close(code=code, message=reason.encode())

    def cut(self) -> None:
        """Break the connection without a word."""
        assert self.request.transport is not None
        self.request.transport.abort()

    async def read(self) -> None:
        """Take in what the client sends until it goes."""
        while True:
            message = await self.socket.receive()
            if message.type is WSMsgType.BINARY:
                self.received.put_nowait(message.data)
            elif message.type is WSMsgType.PING:
                self.pinged.set()
                if self.answers_pings:
                    await self.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self.ponged.put_nowait(bytes(message.data))
            elif message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                self._went(message.data if message.type is WSMsgType.CLOSE else 1006, message.extra)
                return

    def _went(self, code: int, reason: str | None) -> None:
        if not self.closed.done():
            self.closed.set_result((code, reason or ""))


class SocketServer:
    """Takes connections.

    `refuse` is an HTTP status to refuse them with, `cutting` cuts the line instead, `hanging` never answers.
    """

    def __init__(self) -> None:
        self.refuse: int | None = None
        self.cutting = False
        self.hanging = False
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The handler for a front."""
        if self.refuse is not None:
            return web.Response(status=self.refuse)
        if self.hanging:
            await asyncio.Event().wait()
        if self.cutting:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        peer = Peer(request, socket)
        self._peers.put_nowait(peer)
        await peer.read()
        return socket

    async def peer(self) -> Peer:
        """The next client that connects."""
        return await self._peers.get()
