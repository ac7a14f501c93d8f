"""Our listener against a server that a test drives, over TLS on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from vectors_harness.recorded_account import recorded_session
from vectors_harness.socket_server import Peer, SocketServer
from vectors_harness.vectors import document, fixture
from vectors_harness.watched_clock import WatchedClock
from zaloweb.cookies import Jar
from zaloweb.events import CipherKey, Connected, Event, UnknownEvent
from zaloweb.realtime.listener import Listener
from zaloweb.realtime.stream import Stream
from zaloweb.sim.http_server import Authority, TlsServer
from zaloweb.transport.http import Transport
from zaloweb.transport.network import Network
from zaloweb.wire.frames import Frame, pack


def _endpoints() -> tuple[str, ...]:
    paths = [urlsplit(recorded).path for recorded in document("ws-events")["endpoints"]]
    return tuple(url + path for url, path in zip(fixture()["ws_urls"], paths, strict=True))


ENDPOINTS = _endpoints()
"""The fixture's hosts with the paths of the endpoints that stood for them."""


_SOMETHING = pack(Frame(1, 77, 0, b"{}"))
"""A frame that means nothing, so that reading it changes nothing."""


@dataclass(slots=True)
class Play:
    """Both ends: the server and the clock to drive, the listener, and what it tells."""

    server: SocketServer
    clock: WatchedClock
    listener: Listener
    events: Stream
    cookies: Jar

    async def connect(self) -> Peer:
        """The client's next connection, once it reads what is pushed. It has no key."""
        first = asyncio.ensure_future(anext(self.events))
        peer = await self.server.peer()
        await peer.push(_SOMETHING)
        assert isinstance(await first, UnknownEvent)
        return peer

    async def connect_with_key(self) -> Peer:
        """The same, with the fixture's key come: the client tells that it can be used."""
        peer = await self.connect()
        await peer.give_key(fixture()["cipher_key"])
        assert isinstance(await anext(self.events), CipherKey)
        assert isinstance(await anext(self.events), Connected)
        return peer

    async def restart(self) -> None:
        """Stop listening, and start again."""
        await self.events.aclose()
        self.events = Stream(self.listener.run)

    async def next_event(self) -> Event:
        """What the client tells next."""
        return await anext(self.events)


@asynccontextmanager
async def listening(
    authority: Authority, ca_file: Path, urls: tuple[str, ...] = ENDPOINTS
) -> AsyncIterator[Play]:
    """A listener that connects once the first event is asked for. Leaving stops it."""
    clock = WatchedClock(fixture()["client"]["clock_ms"])
    session = replace(recorded_session(), ws_urls=urls)
    server = SocketServer()
    async with TlsServer(server.handle, authority) as front:
        network = Network.loopback(front.port, ca_file)
        transport = Transport(
            network,
            user_agent=session.credentials.user_agent,
            jar=session.jar,
            clock=clock,
            random=Random(1),
        )
        async with transport:
            listener = Listener(session, transport)
            play = Play(server, clock, listener, Stream(listener.run), session.jar)
            try:
                yield play
            finally:
                await play.events.aclose()
