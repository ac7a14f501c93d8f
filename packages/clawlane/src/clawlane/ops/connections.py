"""The connections of a web server: so many at most, and none that waits for long.

Whoever reaches a server can open connections and say nothing, or say it slowly. Each takes a file descriptor,
and without those the lane can neither store nor send. So one that waits is ended after a while, and where
there is no room for another, one makes way: the oldest that waits and that nobody known uses comes first.
One that is being answered and that somebody known uses never does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

IDLE_S = 30.0
"""How long a connection may wait: for the whole head of its next request, or for its answer to be taken."""

_HANDSHAKE_S = 10.0
_UNREAD_MS = 30_000
"""How long the other side may take nothing of what was sent, also of an answer that goes on."""

_BACKLOG = 64
_AGAIN_S = 1.0
log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One connection. `known` says that somebody uses it who showed who they are."""

    def __init__(self, served: asyncio.Protocol, idle_s: float, gone: Callable[[Connection], None]) -> None:
        self.known = False
        self.answered = False
        self._served, self._idle_s, self._gone = served, idle_s, gone
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self, made: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Begin with the handshake, if there is one."""
        self.wait()
        self._opening = asyncio.create_task(self._open(made, tls))

    async def _open(self, made: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
            await loop.connect_accepted_socket(
                lambda: self, made, ssl=tls, ssl_handshake_timeout=_HANDSHAKE_S if tls else None
            )
        except OSError:  # no handshake, or gone again
            made.close()
            self.end()

    def begin(self) -> None:
        """A request is here whole, and is answered."""
        self.known, self.answered = False, True
        self._stop_timer()

    def wait(self) -> None:
        """There is nothing to answer, for a while."""
        self.answered = False
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self.end)

    def end(self) -> None:
        """End it, whatever was not sent yet."""
        self._stop_timer()
        self._gone(self)
        if self._transport is not None:
            self._transport.abort()
        elif self._opening is not None:
            self._opening.cancel()

    def end_handshake(self) -> None:
        """End it if the server does not know of it yet."""
        if self._transport is None:
            self.end()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._served.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._gone(self)
        self._served.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._served.data_received(data)

    def eof_received(self) -> bool | None:
        return self._served.eof_received()

    def pause_writing(self) -> None:
        self._served.pause_writing()

    def resume_writing(self) -> None:
        self._served.resume_writing()


class Connections:
    """Accepts connections, `most` at a time."""

    def __init__(self, most: int, idle_s: float = IDLE_S) -> None:
        self._most, self._idle_s = most, idle_s
        self._open: dict[tuple[object, ...], Connection] = {}

    @asynccontextmanager
    async def accepted(
        self,
        listening: socket.socket,
        server: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[None]:
        """Accept for `server` while entered; those that it knows then are its own to end."""
        listening.setblocking(False)
        listening.listen(_BACKLOG)
        accepting = asyncio.create_task(self._accept(listening, server, tls))
        try:
            yield
        finally:
            accepting.cancel()
            await asyncio.wait([accepting])
            listening.close()
            for one in list(self._open.values()):
                one.end_handshake()

    @contextmanager
    def answering(self, peer: tuple[object, ...] | None) -> Iterator[Connection | None]:
        """A request from the address `peer` is answered while entered. Gives its connection."""
        one = self._open.get(peer[:2]) if peer else None
        if one is None:  # it is gone already
            yield None
            return
        one.begin()
        try:
            yield one
        finally:
            one.wait()

    async def _accept(
        self,
        listening: socket.socket,
        server: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Lives until cancelled, whatever the system says."""
        loop, told = asyncio.get_running_loop(), False
        while True:
            try:
                made, address = await loop.sock_accept(listening)
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no file descriptors, mostly; one that waits has one
                if not told:
                    log.warning("connections have to wait: %s", os.strerror(error.errno or 0))
                told = True
                self._make_room()
                await asyncio.sleep(_AGAIN_S)
                continue
            told = False
            if len(self._open) < self._most or self._make_room():
                self._add(address[:2], made, server(), tls)
            else:
                made.close()

    def _add(
        self,
        peer: tuple[object, ...],
        made: socket.socket,
        served: asyncio.Protocol,
        tls: ssl.SSLContext | None,
    ) -> None:
        def gone(one: Connection) -> None:
            if self._open.get(peer) is one:
                del self._open[peer]

        one = self._open[peer] = Connection(served, self._idle_s, gone)
        one.open(made, tls)

    def _make_room(self) -> bool:
        """End a connection that may be ended; False if there is none."""
        if not self._open:
            return False
        one = min(self._open.values(), key=lambda one: (one.known, one.answered))
        if one.known and one.answered:
            return False
        one.end()
        return True
