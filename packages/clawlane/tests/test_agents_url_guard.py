"""Addresses that somebody else chose: real TLS on loopback, and names that lead where the test says."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web
from packages.clawlane.tests.outside_world import LOOPBACK, World, plain, world_of

from clawlane.agents.url_guard import LONGEST_URL, MOST_REDIRECTS, Network, fetching, is_public


@pytest.fixture
async def world(tmp_path: object) -> AsyncIterator[World]:
    async with world_of(f"{tmp_path}/ca.pem") as made:
        made.handler = lambda _: plain(b"picture")
        yield made


async def test_a_public_address_is_fetched_without_anything_of_ours(world: World) -> None:
    url = "https://a.vn/x/m%C3%A8o.png?k=1"
    async with fetching(world.network, url, max_bytes=10, deadline=20) as fetched:
        assert (fetched.name, fetched.declared) == ("mèo.png", "application/octet-stream")
        assert b"".join([block async for block in fetched.blocks]) == b"picture"
    [request] = world.requests
    assert request.host == "a.vn"
    assert request.headers["Accept-Encoding"] == "identity"
    assert not request.headers.keys() & {"Cookie", "Authorization", "Referer"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a.vn/", "only https"),
        ("ftp://a.vn/", "only https"),
        ("https:///x", "only https"),
        ("https://lan:mk@a.vn/", "with a user"),
        ("https://a.vn@b.vn/", "with a user"),
        ("https://a.vn:8443/", "usual port"),
        ("https://a.vn:0/", "usual port"),
        ("https://a.vn:99999/", "no address"),
        ("https://127.0.0.1/", "by a number"),
        ("https://2130706433/", "by a number"),
        ("https://0x7f.1/", "by a number"),
        ("https://127.1./", "by a number"),
        ("https://[::1]/", "by a number"),
        ("https://[::ffff:127.0.0.1]/", "by a number"),
        ("https://a.vn\\@b.vn/", "backslash"),
        ("https://a.vn/ x", "blanks"),
        ("https://a.vn/\r\nHost: b", "blanks"),
        ("https://a.vn/" + "x" * LONGEST_URL, "more than"),
        ("https://" + "a" * 64 + ".vn/", "no address"),
        ("https://a..vn/", "no address"),
    ],
)
async def test_an_odd_address_is_refused_before_anything_is_asked(world: World, url: str, words: str) -> None:
    assert words in await world.refused(url)
    assert world.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "127.0.0.2",
        "0.0.0.0",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "fe80::1%eth0",
        "khong",
    ],
)
async def test_a_name_that_leads_into_a_network_of_ours_is_refused(world: World, address: str) -> None:
    world.names["a.vn"] = [[address]]
    assert not is_public(address)
    assert await world.refused("https://a.vn/x") == (
        "https://a.vn leads to an address that is not of the public internet"
    )


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


async def test_one_private_address_among_public_ones_is_enough(world: World) -> None:
    world.names["a.vn"] = [[LOOPBACK, "10.0.0.1"]]
    assert "not of the public internet" in await world.refused("https://a.vn/x")
    assert world.requests == []


async def test_a_name_is_resolved_once_so_that_another_answer_changes_nothing(world: World) -> None:
    world.names["a.vn"] = [[LOOPBACK], ["10.0.0.1"]]
    assert await world.get("https://a.vn/x") == b"picture"
    assert "not of the public internet" in await world.refused("https://a.vn/x")


async def test_a_name_that_nobody_knows_cannot_be_reached(world: World) -> None:
    async def unknown(_host: str) -> Sequence[str]:
        raise OSError("no such host")

    world.network = Network(unknown, is_public, 443, world.network.trust)
    assert await world.refused("https://a.vn/x?k=mk") == "https://a.vn cannot be reached"


async def test_redirects_are_followed_and_each_is_checked(world: World) -> None:
    async def answer(request: web.Request) -> web.Response:
        left = int(request.path[1:])
        there = f"https://b{left}.vn/{left - 1}"
        return await plain(b"xong") if not left else await plain(status=302, Location=there)

    world.handler = answer
    assert await world.get(f"https://a.vn/{MOST_REDIRECTS}") == b"xong"
    told = await world.refused(f"https://a.vn/{MOST_REDIRECTS + 1}")
    assert f"more than {MOST_REDIRECTS} redirects" in told


@pytest.mark.parametrize(
    "location",
    [
        "http://a.vn/",
        "https://10.0.0.1/",
        "https://a.vn:22/",
        "https://u@a.vn/",
        "file:///etc/passwd",
        "//[x",
    ],
)
async def test_a_redirect_to_an_odd_address_is_refused(world: World, location: str) -> None:
    world.handler = lambda _: plain(status=302, Location=location)
    assert await world.refused("https://a.vn/x")
    assert len(world.requests) == 1


async def test_a_redirect_to_a_private_address_is_refused(world: World) -> None:
    world.names["trong.vn"] = [["169.254.169.254"]]
    world.handler = lambda _: plain(status=302, Location="https://trong.vn/latest/meta-data")
    assert await world.refused("https://a.vn/x") == (
        "https://trong.vn leads to an address that is not of the public internet"
    )


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
async def test_anything_but_success_is_refused(world: World, status: int) -> None:
    world.handler = lambda _: plain(b"" if status in (204, 304) else b"trang", status)
    assert await world.refused("https://a.vn/x") == f"https://a.vn answered with status {status}"


async def test_a_file_that_says_that_it_is_too_large_is_not_read(world: World) -> None:
    world.handler = lambda _: plain(bytes(2000))
    assert "more than" in await world.refused("https://a.vn/x")


async def test_an_endless_body_is_cut_off(world: World) -> None:
    over = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(500))
        finally:
            over.set()

    world.handler = endless
    assert "more than" in await world.refused("https://a.vn/x")
    await over.wait()


async def test_a_body_that_never_ends_arriving_runs_into_the_deadline(world: World) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x")
        await asyncio.Event().wait()
        return answer

    world.handler = slow
    assert await world.refused("https://a.vn/x", deadline=0.3) == "https://a.vn took longer than 0.3 s"


async def test_a_body_shorter_than_it_said_is_refused(world: World) -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x")
        assert request.transport is not None
        request.transport.close()
        return answer

    world.handler = short
    assert await world.refused("https://a.vn/x") == "https://a.vn broke off in the middle"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_packed_body_is_refused_and_never_unpacked(world: World, encoding: str) -> None:
    packed = gzip.compress(bytes(10_000_000))
    world.handler = lambda _: plain(packed, Content_Encoding=encoding)
    assert "packed" in await world.refused("https://a.vn/x", max_bytes=20_000)


async def test_a_certificate_of_another_is_refused(world: World) -> None:
    world.network = Network(world.resolve, world.network.allows, world.network.port)
    assert await world.refused("https://a.vn/x") == "https://a.vn cannot be reached"


async def test_nothing_of_the_address_but_its_host_is_told(world: World) -> None:
    world.handler = lambda _: plain(status=404)
    told = await world.refused("https://a.vn/bi-mat?token=s3cret#x")
    assert "s3cret" not in told
    assert "bi-mat" not in told


@pytest.mark.parametrize("host", ["10。0。0。1", "１０.0.0.1", "169。254。169。254"])
async def test_a_number_in_disguise_is_refused_at_the_latest_when_connecting(world: World, host: str) -> None:
    assert await world.refused(f"https://{host}/x")
    assert world.requests == []
