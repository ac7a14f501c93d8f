"""A session in use: calls over HTTP, events over the socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from random import Random
from types import TracebackType
from typing import Final, NoReturn, Self, TypeVar

from zaloweb.calls.call import Call
from zaloweb.errors import InvalidRequest
from zaloweb.events import Event, FileDone
from zaloweb.media.upload import UploadNotifications, Uploads
from zaloweb.realtime.listener import Listener
from zaloweb.realtime.socket import Deliver
from zaloweb.realtime.stream import Stream
from zaloweb.session import Session
from zaloweb.trace import Trace
from zaloweb.transport.caller import Caller, OnSession
from zaloweb.transport.clock import Clock
from zaloweb.transport.http import Transport
from zaloweb.transport.network import Network
from zaloweb.transport.pace import Pace
from zaloweb.transport.platform_clock import PlatformClock
from zaloweb.transport.writing import BeforeWrite, allowed
from zaloweb.wire.hosts import Hosts

T = TypeVar("T")

AT_ONCE: Final = 2
"""Uploads and downloads at the same time. Of four connections the socket takes one, and one stays free."""


class ClientIds:
    """Hands out the ids of own messages: milliseconds that strictly rise, whatever the clock does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 0

    def take(self, chosen: int | None, count: int = 1) -> int:
        """The first of `count` consecutive ids: the chosen one, or a new one.

        A new one is higher than all ids taken before.
        """
        first = max(self._next, self._clock.now_ms()) if chosen is None else chosen
        self._next = max(self._next, first + count)
        return first


class LiveSession:
    """The base of `Zalo`: the connections of one account, alive while entered."""

    def __init__(
        self,
        session: Session,
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        proxy: str | None = None,
        attempts: int = 3,
        on_session: OnSession | None = None,
        platform_clock: PlatformClock | None = None,
        hosts: Hosts | None = None,
        pace: Pace | None = None,
        trace: Trace | None = None,
        before_write: BeforeWrite = allowed,
    ) -> None:
        self.session = session
        self._transport = Transport(
            network,
            user_agent=session.credentials.user_agent,
            jar=session.jar,
            clock=clock,
            random=random,
            proxy=proxy,
            attempts=attempts,
            platform_clock=platform_clock,
            hosts=hosts,
            trace=trace,
            before_write=before_write,
        )
        self._caller = Caller(session, self._transport, on_session, pace or Pace.cautious())
        self._listener = Listener(session, self._transport)
        self._stream: Stream | None = None
        self._notifications = UploadNotifications(self._transport.clock)
        self._client_ids = ClientIds(self._transport.clock)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._uploads = Uploads(self._caller, self._notifications, self._listening, self._slots)

    def __repr__(self) -> str:
        return f"Zalo({self.own_id})"

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stop_stream()
        finally:
            await self._transport.__aexit__(kind, error, trace)

    @property
    def own_id(self) -> str:
        """The account's user id; makes no call."""
        return self.session.uid

    @property
    def platform_clock(self) -> PlatformClock:
        """The platform's time, taken from its answers."""
        return self._transport.platform_clock

    def reconnect(self) -> None:
        """Connect again at once: closes the present connection, or ends the wait for the next."""
        self._listener.reconnect()

    async def events(self) -> AsyncGenerator[Event, None]:
        """Connect, and yield events in order, until another client takes over or the session ends.

        `Connected` says that a connection is ready, `Disconnected` that it is lost; events missed meanwhile
        have to be requested. A slow consumer applies back-pressure to the server. An account tolerates one
        listener, so a second iteration ends the first. Raises `Replaced`, `Kicked` or `SessionExpired`, after
        a last `Disconnected`.
        """
        await self._stop_stream()
        self._stream = Stream(self._listen)
        async with aclosing(self._stream) as stream:
            async for event in stream:
                yield event

    async def call(self, call: Call[T]) -> T:
        """Zalo's answer to any call of `zaloweb.calls`."""
        return await self._caller.call(call)

    async def send_frame(self, frame: bytes) -> None:
        """Send a frame of your own over the socket, as `zaloweb.wire.frames.pack` makes them.

        Raises `BeforeSending` when there is no connection.
        """
        await self._listener.request(lambda _: frame)

    async def _listen(self, deliver: Deliver) -> NoReturn:
        async def note(events: Sequence[Event]) -> None:
            for event in events:
                if isinstance(event, FileDone):
                    self._notifications.tell(event)
            await deliver(events)

        await self._listener.run(note)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        if self._stream is None or not self._stream.running:
            raise InvalidRequest(
                "Zalo announces a file over the socket: take the account's events while it is sent"
            )
        with self._stream.reading_ahead():
            yield

    async def _stop_stream(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
