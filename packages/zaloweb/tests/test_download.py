"""Fetching what messages link to: whole or not at all, never more than allowed, and from nowhere near."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from zaloweb import HttpStatusError, InvalidRequest, LinkExpired, NoAnswer, ProtocolError, TooLarge
from zaloweb.cookies import Cookie, Jar
from zaloweb.media.download import download, size_of
from zaloweb.sim.http_server import Handler
from zaloweb.transport.clock import SystemClock
from zaloweb.transport.http import Transport
from zaloweb.transport.network import Network

Serve = Callable[[Handler], Awaitable[Network]]

URL = "https://f20-zpc.zdn.vn/ảnh.jpg?k=1"
COOKIES = [Cookie("zpw_sek", "secret", "zdn.vn")]


@asynccontextmanager
async def transport_to(network: Network) -> AsyncIterator[Transport]:
    jar = Jar(COOKIES)
    async with Transport(
        network, user_agent="agent", jar=jar, clock=SystemClock(), random=Random(1)
    ) as transport:
        yield transport


def files(folder: Path) -> list[str]:
    """What is left in a folder, but for the certificate that the tests themselves put there."""
    return [path.name for path in folder.iterdir() if path.name != "ca.pem"]


def serving(data: bytes, **options: object) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, **options)  # type: ignore[arg-type]

    return answer


async def test_a_file_is_fetched_whole(serve: Serve, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    async with transport_to(await serve(serving(data, content_type="image/jpeg"))) as transport:
        got = await download(transport, URL, tmp_path / "ảnh.jpg", max_bytes=len(data))
    assert (got.size, got.content_type) == (len(data), "image/jpeg")
    assert got.path.read_bytes() == data
    assert files(tmp_path) == ["ảnh.jpg"]


async def test_nothing_of_the_account_goes_to_the_host(serve: Serve, tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(body=b"x")

    async with transport_to(await serve(answer)) as transport:
        await download(transport, URL, tmp_path / "a", max_bytes=10)
    assert seen[0].keys() == {"host", "user-agent", "accept-encoding", "accept"}


async def test_a_file_that_says_it_is_too_large_is_not_fetched(serve: Serve, tmp_path: Path) -> None:
    async with transport_to(await serve(serving(bytes(1001)))) as transport:
        with pytest.raises(TooLarge, match="1001 bytes, more than the 1000 allowed"):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=1000)
    assert files(tmp_path) == []


async def test_a_file_that_turns_out_too_large_is_thrown_away(serve: Serve, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        while True:
            await stream.write(bytes(1000))

    (tmp_path / "a.jpg").write_bytes(b"before")
    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(TooLarge, match="more than the 10000 bytes"):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=10_000)
    assert files(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"before"


async def test_a_file_that_breaks_off_is_thrown_away(serve: Serve, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"content-length": "2000"})
        await stream.prepare(request)
        await stream.write(bytes(1000))
        assert request.transport is not None
        request.transport.close()
        return stream

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(NoAnswer):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=10_000)
    assert files(tmp_path) == []


async def test_a_host_that_stalls_is_given_up(serve: Serve, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"x")
        await asyncio.Event().wait()
        return stream

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(NoAnswer, match="in time"):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=10_000, deadline=0.2)
    assert files(tmp_path) == []


async def test_an_expired_link_is_told_from_a_file(serve: Serve, tmp_path: Path) -> None:
    excuse = b'{"err_code":"1","message":"Invalid signature"}'
    async with transport_to(await serve(serving(excuse))) as transport:
        with pytest.raises(LinkExpired, match="Invalid signature"):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=10_000)
    assert files(tmp_path) == []


@pytest.mark.parametrize("data", [b'{"message":"hello"}', b"[1]", b"\xff\xfe", b""])
async def test_small_files_that_are_no_excuse_are_kept(serve: Serve, tmp_path: Path, data: bytes) -> None:
    async with transport_to(await serve(serving(data))) as transport:
        got = await download(transport, URL, tmp_path / "a.json", max_bytes=10_000)
    assert got.path.read_bytes() == data


async def test_a_status_is_told(serve: Serve, tmp_path: Path) -> None:
    async with transport_to(await serve(serving(b"no", status=403))) as transport:
        with pytest.raises(HttpStatusError, match="403"):
            await download(transport, URL, tmp_path / "a.jpg", max_bytes=10_000)


async def test_redirects_are_followed_over_https(serve: Serve, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.host == "other.zdn.vn":
            return web.Response(body=b"here")
        raise web.HTTPFound("https://other.zdn.vn/a")

    async with transport_to(await serve(answer)) as transport:
        got = await download(transport, URL, tmp_path / "a", max_bytes=10)
    assert got.path.read_bytes() == b"here"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("http://other.zdn.vn/a", ProtocolError),
        ("https://169.254.169.254/a", InvalidRequest),
        (URL, ProtocolError),
    ],
)
async def test_other_redirects_are_not(
    serve: Serve, tmp_path: Path, target: str, error: type[Exception]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"location": target})

    async with transport_to(await serve(answer)) as transport:
        with pytest.raises(error):
            await download(transport, URL, tmp_path / "a", max_bytes=10)


@pytest.mark.parametrize(
    "url",
    [
        "http://zdn.vn/a",
        "file:///etc/passwd",
        "",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://[::1",
        "https://",
        "https://127.1/a",
        "https://2130706433/a",
        "https://0x7f.1/a",
        "https://0x7f000001/a",
        "https://93.184.216.34./a",
        "https://user:secret@zdn.vn/a",
        "https://zdn.vn:99999/a",
        "https://evil.example\\@zdn.vn/a",
        "https://zdn.vn /a",
    ],
)
async def test_only_named_hosts_are_asked_and_only_over_https(serve: Serve, tmp_path: Path, url: str) -> None:
    async with transport_to(await serve(serving(b"x"))) as transport:
        with pytest.raises(InvalidRequest):
            await download(transport, url, tmp_path / "a", max_bytes=10)


async def test_a_file_that_cannot_be_written_is_the_disks_error(serve: Serve, tmp_path: Path) -> None:
    async with transport_to(await serve(serving(b"x"))) as transport:
        with pytest.raises(FileNotFoundError):
            await download(transport, URL, tmp_path / "not" / "there", max_bytes=10)


async def test_the_size_of_a_file_is_asked_for_without_fetching_it(serve: Serve) -> None:
    methods: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        methods.append(request.method)
        return web.Response(body=bytes(1234))

    async with transport_to(await serve(answer)) as transport:
        assert await size_of(transport, URL) == 1234
    assert methods == ["HEAD"]


async def test_a_size_that_nobody_tells_is_0(serve: Serve) -> None:
    async with transport_to(await serve(serving(b"no", status=404))) as transport:
        assert await size_of(transport, URL) == 0


async def test_a_name_that_leads_near_is_not_asked(tmp_path: Path) -> None:
    """On the real network: `localhost` resolves, to an address that is not of the internet."""
    came: list[object] = []
    server = await asyncio.start_server(lambda *streams: came.append(streams), "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, transport_to(Network.real()) as transport:
        with pytest.raises(InvalidRequest, match="localhost is no host of the public internet"):
            await download(transport, f"https://localhost:{port}/a", tmp_path / "a", max_bytes=10)
        with pytest.raises(InvalidRequest, match="localhost is no host of the public internet"):
            await size_of(transport, f"https://localhost:{port}/a")
    assert came == []


async def test_behind_a_proxy_a_name_is_looked_at_before_the_proxy_is_asked(tmp_path: Path) -> None:
    came: list[object] = []
    server = await asyncio.start_server(lambda *streams: came.append(streams), "127.0.0.1", 0)
    proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        server,
        Transport(
            Network.real(), user_agent="a", jar=Jar(), clock=SystemClock(), random=Random(1), proxy=proxy
        ) as transport,
    ):
        with pytest.raises(InvalidRequest, match="public internet"):
            await download(transport, "https://localhost/a", tmp_path / "a", max_bytes=10)
    assert came == []


async def test_cookies_of_the_hosts_own_site_do_not_go_out(serve: Serve, tmp_path: Path) -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("cookie"))
        return web.Response(body=b"x", headers={"set-cookie": "tracked=1; Domain=zalo.me"})

    jar = Jar([Cookie("zpsid", "secret", "zalo.me")])
    async with Transport(
        await serve(answer), user_agent="a", jar=jar, clock=SystemClock(), random=Random(1)
    ) as transport:
        await download(transport, "https://photo.zalo.me/a", tmp_path / "a", max_bytes=10)
    assert seen == [None]
    assert [cookie.name for cookie in jar] == ["zpsid"]
