"""`before_write` is asked once the connection is there, and before anything goes over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from packages.zaloweb.tests.live_account import hearing, logged_in, until

from zaloweb import (
    BeforeSending,
    Message,
    Network,
    Pace,
    Thread,
    ThreadKind,
    Trace,
    Traced,
    TracedFrame,
    Zalo,
)
from zaloweb.cookies import Jar
from zaloweb.realtime.listener import Listener
from zaloweb.sim.http_server import Authority
from zaloweb.sim.server import Simulator
from zaloweb.transport.http import Transport
from zaloweb.wire.multipart import Form, Part

REASON = "it is another's now"
URL = "https://wpa.chat.zalo.me/anything"


@asynccontextmanager
async def silent(authority: Authority, folder: Path) -> AsyncIterator[tuple[Network, asyncio.Queue[bytes]]]:
    """A TLS server that never answers, and the first byte of each of its connections, if it brought any."""
    brought: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            brought.put_nowait(await reader.read(1))
        finally:
            writer.close()

    authority.write(folder / "ca.pem")
    async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=authority.context()) as server:
        port = server.sockets[0].getsockname()[1]
        yield Network.loopback(port, folder / "ca.pem"), brought


@dataclass
class Zeros:
    """The content of a file."""

    size: int = 100_000

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        yield bytes(self.size)


async def small(transport: Transport) -> None:
    await transport.request("POST", URL, name="small", form="a=b")


async def upload(transport: Transport) -> None:
    form = Form(Part("file", "a.bin", Zeros()), Random(1))
    await transport.request("POST", URL, name="upload", form=form)


@pytest.mark.parametrize("make", [small, upload])
async def test_a_request_that_may_not_be_written_leaves_no_byte(
    authority: Authority, tmp_path: Path, make: Callable[[Transport], Awaitable[None]]
) -> None:
    async with (
        silent(authority, tmp_path) as (network, brought),
        Transport(network, user_agent="test", jar=Jar(), before_write=lambda: REASON) as transport,
    ):
        with pytest.raises(BeforeSending, match=REASON):
            await make(transport)
        assert await brought.get() == b""


async def test_an_account_that_may_not_write_is_silent_at_once() -> None:
    reason, trace, told = [""], Trace(), list[Traced]()
    async with Simulator() as sim:
        lan = sim.world.person("Lan")
        person = Thread(ThreadKind.USER, lan.uid)
        session = await logged_in(sim)
        zalo = Zalo(
            session, network=sim.network, pace=Pace.off(), trace=trace, before_write=lambda: reason[0]
        )
        async with zalo:
            with trace.told(told.append):
                async with hearing(zalo) as events:
                    await zalo.send_text(person, "first")
                    reason[0] = REASON
                    for refused in (zalo.send_text(person, "second"), zalo.send_frame(b"\1\2\1\0\0\0")):
                        with pytest.raises(BeforeSending, match=REASON):
                            await refused
                    await lan.says("still heard")
                    while (await until(Message, events)).is_self:
                        pass
        assert [one.text for one in sim.world.sent] == ["first"]
    frames = [one for one in told if isinstance(one, TracedFrame) and one.outgoing]
    assert frames == [], "no frame goes out, not even one that closes"


async def test_no_socket_is_upgraded_that_may_not_write(authority: Authority, tmp_path: Path) -> None:
    async with Simulator() as sim:
        session = await logged_in(sim)
    async with (
        silent(authority, tmp_path) as (network, brought),
        Transport(network, user_agent="test", jar=Jar(), before_write=lambda: REASON) as transport,
    ):
        listening = asyncio.create_task(Listener(session, transport).run(deliver_nothing))
        assert await brought.get() == b""
        listening.cancel()
        await asyncio.wait([listening])


async def deliver_nothing(_: object) -> None:
    """What is told is that it is not connected."""
