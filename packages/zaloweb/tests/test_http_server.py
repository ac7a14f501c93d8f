"""The TLS front: one port, a certificate for any name, HTTP and WebSockets behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from zaloweb.sim.http_server import Authority, Handler, TlsServer
from zaloweb.transport.network import Network

Serve = Callable[[Handler], Awaitable[Network]]


def client(network: Network) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=network.connector())


async def test_each_name_has_a_certificate_of_its_own(serve: Serve) -> None:
    async def subject(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    network = await serve(subject)
    port = int(network.rehearsal.split(":")[1])
    for name in ("wpa.chat.zalo.me", "ws1-msg.chat.zalo.me"):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=network.trust, server_hostname=name)
        certificate = writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
        assert certificate["subjectAltName"] == (("DNS", name),)


async def test_a_client_that_sends_no_name_gets_the_certificate_of_the_address(serve: Serve) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    network = await serve(hello)
    async with client(network) as http, http.get(f"https://{network.rehearsal}/") as answer:
        assert await answer.text() == "hello"


async def test_a_name_that_no_certificate_can_have_ends_the_handshake(serve: Serve) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    network = await serve(hello)
    port = int(network.rehearsal.split(":")[1])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", port, ssl=network.trust, server_hostname="a b.zalo.me")


async def test_websockets_go_through(serve: Serve) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_bytes(message.data)
        return socket

    network = await serve(echo)
    async with client(network) as http, http.ws_connect("wss://ws1-msg.chat.zalo.me/") as socket:
        await socket.send_bytes(b"\x01")
        assert await socket.receive_bytes() == b"\x01"


async def test_a_whole_application_can_stand_behind_it(authority: Authority, tmp_path: Path) -> None:
    app = web.Application()

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=f"hello {request.host}")

    app.router.add_get("/hello", hello)
    authority.write(tmp_path / "ca.pem")
    async with TlsServer(app, authority) as front:
        network = Network.loopback(front.port, tmp_path / "ca.pem")
        async with client(network) as http, http.get("https://a.zalo.me/hello") as answer:
            assert await answer.text() == "hello a.zalo.me"


async def test_who_goes_away_frees_the_handler(serve: Serve) -> None:
    arrived, given_up = asyncio.Event(), asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return web.Response()

    network = await serve(hold)
    async with client(network) as http, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(http.get("https://id.zalo.me/"))
        await arrived.wait()
        waiting.cancel()
    await given_up.wait()


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(authority: Authority) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response()

    async with TlsServer(hello, authority) as first:
        with pytest.raises(OSError, match="address already in use"):
            await TlsServer(hello, authority, first.port).__aenter__()


def test_only_the_public_certificate_is_written(authority: Authority, tmp_path: Path) -> None:
    authority.write(tmp_path / "ca.pem")
    written = (tmp_path / "ca.pem").read_text()
    assert written.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in written
