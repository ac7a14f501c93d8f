"""Requests to Zalo: what goes out, how answers become values, and which failure is which error."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import brotli
import pytest
from aiohttp import web
from backports import zstd

from zaloweb.calls.call import Call
from zaloweb.cookies import Jar
from zaloweb.errors import (
    ApiError,
    BeforeSending,
    HttpStatusError,
    NoAnswer,
    ProtocolError,
    SessionExpired,
)
from zaloweb.session import Credentials, Session
from zaloweb.sim.http_server import Handler
from zaloweb.transport.clock import SystemClock
from zaloweb.transport.http import Deadlines, Transport
from zaloweb.transport.network import Network
from zaloweb.wire import cipher
from zaloweb.wire.settings import Settings

Serve = Callable[[Handler], Awaitable[Network]]

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
KEY = bytes(range(16))


def a_session() -> Session:
    return Session(
        credentials=Credentials("imei-1", AGENT, Jar()),
        uid="8200",
        secret_key=b64encode(KEY).decode(),
        services={"chat": ["https://chat1.chat.zalo.me"], "empty": []},
        ws_urls=(),
        settings=Settings(),
    )


@asynccontextmanager
async def transport_to(network: Network, **options: Any) -> AsyncIterator[Transport]:
    given = {"user_agent": AGENT, "jar": Jar(), "clock": SystemClock(), "random": Random(1), **options}
    async with Transport(network, **given) as transport:
        yield transport


def sealed(inner: object, code: object = 0) -> web.Response:
    return web.json_response(
        {"error_code": code, "error_message": "", "data": cipher.encrypt(KEY, json.dumps(inner))}
    )


def ok(data: object) -> web.Response:
    return sealed({"error_code": 0, "error_message": "Successful.", "data": data})


READ = Call("read", "GET", "chat", "/api/read", dict[str, Any], {"id": "1"}, safe_to_retry=True)
SEND = Call("send", "POST", "chat", "/api/send", dict[str, Any], {"message": "chào"}, "form", nretry=True)


# What goes out


async def test_a_call_sends_its_parameters_encrypted_in_one_field(serve: Serve) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path_qs, dict(await request.post())))  # type: ignore[arg-type]
        return ok({"msgId": 5})

    async with transport_to(await serve(answer)) as transport:
        assert await transport.call(a_session(), SEND) == {"msgId": 5}
    ((url, form),) = seen
    assert url == "/api/send?nretry=0&zpw_ver=685&zpw_type=30"
    assert cipher.decrypt(KEY, form["params"]).decode() == '{"message":"chào"}'


async def test_base64_is_escaped_for_urls_and_forms(serve: Serve) -> None:
    raw: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        raw.append(request.raw_path + (await request.text()))
        return ok({})

    async with transport_to(await serve(answer)) as transport:
        for number in range(8):
            call = Call("send", "GET", "chat", "/api/x", dict[str, Any], {"text": f"{number} đó"})
            await transport.call(a_session(), call)
    escaped = "".join(url.partition("params=")[2] for url in raw)
    assert {"%2B", "%2F", "%3D"} <= {escaped[at : at + 3] for at in range(len(escaped))}
    assert not set("+/=") & set(escaped)


async def test_every_request_has_the_headers_of_the_web_client(serve: Serve) -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response()

    async with transport_to(await serve(answer)) as transport:
        await transport.request("GET", "https://id.zalo.me/", name="page", headers={"accept": "text/html"})
    assert seen == [
        {
            "host": "id.zalo.me",
            "accept": "text/html",
            "accept-encoding": "gzip, deflate, br, zstd",
            "accept-language": "en-US,en;q=0.9",
            "content-type": "application/x-www-form-urlencoded",
            "origin": "https://chat.zalo.me",
            "referer": "https://chat.zalo.me/",
            "user-agent": AGENT,
        }
    ]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
    ],
)
async def test_what_is_advertised_is_decoded(serve: Serve, name: str, pack: Callable[[bytes], bytes]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=pack("xin chào".encode()), headers={"content-encoding": name})

    async with transport_to(await serve(answer)) as transport:
        response = await transport.request("GET", "https://chat.zalo.me/", name="page")
    assert response.body.decode() == "xin chào"


# Cookies and redirects


async def test_each_set_cookie_is_stored_and_sent_again(serve: Serve) -> None:
    cookies: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("cookie", ""))
        response = web.Response()
        response.headers.add(
            "Set-Cookie", "a=1; Domain=zalo.me; Path=/; Expires=Sat, 18 Mar 2084 08:00:00 GMT"
        )
        response.headers.add("Set-Cookie", "b=2; Domain=zalo.me; Path=/")
        return response

    async with transport_to(await serve(answer)) as transport:
        await transport.request("GET", "https://id.zalo.me/", name="first")
        await transport.request("GET", "https://chat.zalo.me/", name="second")
    assert cookies == ["", "a=1; b=2"]


async def test_redirects_are_followed_one_by_one_with_the_default_headers(serve: Serve) -> None:
    hops: list[tuple[str, str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        hops.append((request.method, request.host + request.path_qs, request.headers.get("priority")))
        if request.host == "id.zalo.me":
            where = "//chat.zalo.me/index.html?x=1"
            return web.Response(
                status=302, headers={"location": where, "set-cookie": "zpw_sek=1; Domain=chat.zalo.me"}
            )
        return web.Response(text=request.headers.get("cookie", ""))

    async with transport_to(await serve(answer)) as transport:
        response = await transport.request(
            "POST", "https://id.zalo.me/go", name="go", form=[("v", "1")], headers={"priority": "u=0, i"}
        )
    assert hops == [("POST", "id.zalo.me/go", "u=0, i"), ("GET", "chat.zalo.me/index.html?x=1", None)]
    assert response.body == b"zpw_sek=1"
    assert response.url == "https://chat.zalo.me/index.html?x=1"


async def test_307_keeps_method_and_form(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/a":
            return web.Response(status=307, headers={"location": "/b"})
        return web.Response(text=f"{request.method} {await request.text()}")

    async with transport_to(await serve(answer)) as transport:
        response = await transport.request("POST", "https://id.zalo.me/a", name="go", form=[("v", "1 2")])
    assert response.body == b"POST v=1+2"


@pytest.mark.parametrize("location", ["http://chat.zalo.me/", "/again", "ftp://chat.zalo.me/"])
async def test_redirects_that_lead_nowhere_end(serve: Serve, location: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": location})

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(ProtocolError, match="redirect"):
            await transport.request("GET", "https://id.zalo.me/", name="go")


# Answers


async def test_the_code_of_either_layer_is_an_error(serve: Serve) -> None:
    answers = iter(
        [
            web.json_response({"error_code": 600, "error_message": "zpw_sek không hợp lệ", "data": None}),
            sealed({"error_code": 112, "error_message": "Bạn đã gửi quá nhanh", "data": None}),
            sealed({"error_message": "", "data": {}}),
        ]
    )

    async def answer(_: web.Request) -> web.Response:
        return next(answers)

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(SessionExpired, match=r"send: zpw_sek không hợp lệ \(code 600\)"):
            await transport.call(a_session(), SEND)
        with pytest.raises(ApiError, match=r"send: Bạn đã gửi quá nhanh \(code 112\)"):
            await transport.call(a_session(), SEND)
        with pytest.raises(ApiError, match="no code"):
            await transport.call(a_session(), SEND)


async def test_codes_are_compared_loosely(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return sealed({"error_code": "0", "data": {"a": 1}}, code="0")

    async with transport_to(await serve(answer)) as transport:
        assert await transport.call(a_session(), READ) == {"a": 1}


async def test_long_numbers_stay_exact(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return ok({"msgId": 12345678901234567890123})

    async with transport_to(await serve(answer)) as transport:
        assert await transport.call(a_session(), READ) == {"msgId": 12345678901234567890123}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"error_code":0}',
        b'{"error_code":0,"data":null}',
        b'{"error_code":0,"data":""}',
        b'{"error_code":0,"data":{}}',
        b'{"error_code":0,"data":"not base64"}',
        b'{"error_code":0,"data":"AAAAAAAAAAAAAAAAAAAAAA=="}',
    ],
)
async def test_an_answer_that_cannot_be_read_is_a_protocol_error(serve: Serve, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(ProtocolError, match=r"^read: "):
            await transport.call(a_session(), READ)


async def test_an_answer_of_another_shape_says_where_but_not_what(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return ok(["private"])

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(ProtocolError, match=r"Expected `object`, got `array`") as raised:
            await transport.call(a_session(), READ)
    assert "private" not in str(raised.value)


async def test_a_service_that_the_login_did_not_name(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return ok({})

    async with transport_to(await serve(answer)) as transport:
        for service in ("empty", "unheard_of"):
            with pytest.raises(ProtocolError, match=f"no address for the service `{service}`"):
                await transport.call(a_session(), Call("x", "GET", service, "/x", dict[str, Any]))


async def test_a_status_that_is_no_success(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>bad gateway</html>")

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(HttpStatusError, match="send: Zalo answered with HTTP status 502"):
            await transport.call(a_session(), SEND)


# Failures of the network


async def test_before_a_byte_left(serve: Serve, unused_tcp_port: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return ok({})

    network = await serve(answer)
    async with transport_to(Network(network.trust, unused_tcp_port)) as transport:
        with pytest.raises(BeforeSending, match=r"^send: no connection to chat1\.chat\.zalo\.me"):
            await transport.call(a_session(), SEND)
    async with transport_to(Network(Network.real().trust, network.port)) as transport:
        with pytest.raises(BeforeSending, match="no trusted TLS connection"):
            await transport.call(a_session(), SEND)


async def test_after_bytes_left_the_outcome_is_unknown(serve: Serve) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with transport_to(await serve(hang_up)) as transport:
        with pytest.raises(NoAnswer, match="broke"):
            await transport.call(a_session(), SEND)


async def test_half_an_answer_is_none(serve: Serve) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000"})
        await response.prepare(request)
        await response.write(b'{"error_code":0')
        assert request.transport is not None
        request.transport.close()
        return response

    async with transport_to(await serve(half)) as transport:
        with pytest.raises(NoAnswer, match="broke"):
            await transport.call(a_session(), SEND)


async def test_no_answer_in_time(serve: Serve) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    deadlines = Deadlines(connect=5, total=0.1)
    async with transport_to(await serve(never), deadlines=deadlines) as transport:
        with pytest.raises(NoAnswer, match="in time"):
            await transport.call(a_session(), SEND)


async def test_a_connection_that_broke_while_idle_is_not_used_twice_in_silence(serve: Serve) -> None:
    """aiohttp would send the GET again by itself; some of Zalo's GETs change things."""
    came: list[str] = []

    async def once(request: web.Request) -> web.Response:
        came.append(request.path)
        if len(came) > 1:
            assert request.transport is not None
            request.transport.abort()
        return ok({})

    async with transport_to(await serve(once)) as transport:
        await transport.call(a_session(), READ)
        with pytest.raises(NoAnswer):
            await transport.call(a_session(), Call("kick", "GET", "chat", "/kick", dict[str, Any]))
    assert came == ["/api/read", "/kick"]


class NoWaiting(SystemClock):
    """Does not sleep, but remembers for how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_only_what_is_safe_is_tried_again(serve: Serve) -> None:
    tries = {"/api/read": 0, "/api/send": 0}
    clock = NoWaiting()

    async def fail_twice(request: web.Request) -> web.Response:
        tries[request.path] += 1
        if tries[request.path] < 3:
            assert request.transport is not None
            request.transport.abort()
        return ok({"tries": tries[request.path]})

    async with transport_to(await serve(fail_twice), clock=clock) as transport:
        assert await transport.call(a_session(), READ) == {"tries": 3}
        with pytest.raises(NoAnswer):
            await transport.call(a_session(), SEND)
    assert tries["/api/send"] == 1
    first, second = clock.waits
    assert 0.4 <= first <= 0.8 <= second <= 1.6


async def test_no_error_shows_parameters_or_cookies(serve: Serve) -> None:
    async def garbage(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nset-cookie: zpsid=secret\r\nbad header\r\n\r\n")
        request.transport.close()
        return web.Response()

    async with transport_to(await serve(garbage)) as transport:
        with pytest.raises(NoAnswer) as raised:
            await transport.call(a_session(), READ)
    assert "params" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert "secret" not in f"{raised.value!r}"


async def test_an_early_hint_is_not_the_answer(serve: Serve) -> None:
    async def hint(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n")
        return ok({"asked": request.path})

    async with transport_to(await serve(hint)) as transport:
        assert await transport.call(a_session(), READ) == {"asked": "/api/read"}
        assert await transport.call(a_session(), READ) == {"asked": "/api/read"}


async def test_a_header_that_would_break_out_of_its_line_is_not_sent(serve: Serve) -> None:
    came: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        came.append(request.path)
        return ok({})

    async with transport_to(await serve(answer), user_agent="agent\r\nx-other: 1") as transport:
        with pytest.raises(ProtocolError):
            await transport.call(a_session(), READ)
    assert came == []


async def test_cookies_of_an_answer_that_breaks_off_are_kept(serve: Serve) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000", "set-cookie": "zpsid=new"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return response

    jar = Jar()
    async with transport_to(await serve(half), jar=jar) as transport:
        with pytest.raises(NoAnswer):
            await transport.call(a_session(), SEND)
    assert [cookie.value for cookie in jar] == ["new"]


async def test_requests_pass_a_proxy_through_a_tunnel(serve: Serve) -> None:
    asked: list[bytes] = []

    async def answer(_: web.Request) -> web.Response:
        return ok({})

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    network = await serve(answer)

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", network.port)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        async with transport_to(Network(network.trust), proxy=address) as transport:
            assert await transport.call(a_session(), READ) == {}
            assert await transport.call(a_session(), SEND) == {}
    assert asked == [b"CONNECT chat1.chat.zalo.me:443 HTTP/1.1"]


async def test_a_proxy_is_left_out_in_a_rehearsal(serve: Serve) -> None:
    async def answer(_: web.Request) -> web.Response:
        return ok({})

    async with transport_to(await serve(answer), proxy="http://proxy.example:8080") as transport:
        assert await transport.call(a_session(), READ) == {}


async def test_the_client_underneath_has_no_headers_of_its_own(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.headers.get("origin", "none"))

    async with transport_to(await serve(answer)) as transport:
        assert isinstance(transport.client, aiohttp.ClientSession)
        async with transport.client.get("https://chat.zalo.me/") as response:
            assert await response.text() == "none"
