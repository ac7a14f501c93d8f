"""The connections of a web server: how many there are, how long they wait, and which makes way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
import trustme

from clawlane.config.console import Address
from clawlane.ops.connections import Connections
from clawlane.ops.listening import bound

PATIENCE = 30.0
IDLE_S = 1.0
"""Long enough for whatever has to come before it is over, on a busy machine too."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo(asyncio.Protocol):
    """Says again what it is told."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class Clients:
    """Opens connections, and closes them all at the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self, tls: ssl.SSLContext | None = None) -> Streams:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=tls, server_hostname="localhost" if tls else None
        )
        self._open.append(writer)
        return reader, writer

    def close(self) -> None:
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def serving(connections: Connections, tls: ssl.SSLContext | None = None) -> AsyncIterator[Clients]:
    listening = bound(Address("127.0.0.1", 0))
    clients = Clients(listening.getsockname()[1])
    async with asyncio.timeout(PATIENCE), connections.accepted(listening, Echo, tls):
        try:
            yield clients
        finally:
            clients.close()


async def echoed(streams: Streams) -> bool:
    """Whether the connection is open."""
    reader, writer = streams
    try:
        writer.write(b"x")
        return await reader.read(1) == b"x"
    except ConnectionError:
        return False


async def kept_writing(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(1_000_000))
        await writer.drain()


@contextmanager
def used(connections: Connections, *by_somebody_known: Streams) -> Iterator[None]:
    """Something is answered on each for somebody known."""
    with ExitStack() as stack:
        for _, writer in by_somebody_known:
            peer = writer.get_extra_info("sockname")
            connection = stack.enter_context(connections.answering(peer))
            assert connection is not None
            connection.known = True
        yield


async def test_what_waits_is_ended_and_what_is_answered_is_not() -> None:
    connections = Connections(10, idle_s=IDLE_S)
    async with serving(connections) as clients:
        busy, waiting = await clients.connect(), await clients.connect()
        assert await echoed(busy)
        with used(connections, busy):
            assert await waiting[0].read() == b""
            assert await echoed(busy)
        assert await busy[0].read() == b""


async def test_an_answer_that_nobody_takes_is_ended() -> None:
    async with serving(Connections(10, idle_s=IDLE_S)) as clients:
        _, writer = await clients.connect()
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        with pytest.raises(ConnectionError):
            await kept_writing(writer)


async def test_a_handshake_that_does_not_come_is_ended() -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    trusts = ssl.create_default_context()
    authority.configure_trust(trusts)
    async with serving(Connections(2, idle_s=IDLE_S), tls) as clients:
        silent, _ = await clients.connect()
        assert await echoed(await clients.connect(trusts))
        assert await silent.read() == b""
    async with serving(Connections(2), tls) as clients:
        silent, other = await clients.connect(), await clients.connect()
        assert await echoed(await clients.connect(trusts))
        assert await silent[0].read() == b"", "it made way"
        other[1].write(b"no handshake at all")
        assert await echoed(await clients.connect(trusts))


async def test_the_oldest_that_waits_makes_way_and_what_somebody_known_uses_does_not() -> None:
    connections = Connections(3)
    async with serving(connections) as clients:
        known, second, third = [await clients.connect() for _ in range(3)]
        assert await echoed(known)
        assert await echoed(second)
        assert await echoed(third)
        with used(connections, known):
            fourth = await clients.connect()
            assert await echoed(fourth)
            assert [await echoed(one) for one in (known, second, third)] == [True, False, True]
            with used(connections, third, fourth):
                assert not await echoed(await clients.connect())
                assert [await echoed(one) for one in (known, third, fourth)] == [True] * 3
