"""A server that is not kind: bombs, answers without an end, JSON that breaks readers, pictures, addresses.

A client in a process of its own meets it: it says one clear line, and its memory stays.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from zaloweb import Credentials, LoginFailed, NoAnswer, ProtocolError, Zalo, log_in
from zaloweb.cookies import Jar
from zaloweb.sim.event_log import Refused
from zaloweb.sim.faults import (
    Addresses,
    AnyFault,
    Bomb,
    Bombed,
    Crooked,
    Encoding,
    Endless,
    Picture,
    Redirect,
)
from zaloweb.sim.server import Simulator
from zaloweb.transport.clock import SystemClock
from zaloweb.transport.http import Deadlines, Transport

CLIENT = Path(__file__).with_name("hostile_client.py")
MOST_GROWTH = 100 * 1024 * 1024
ENCODINGS: list[Encoding] = ["gzip", "deflate", "br", "zstd"]


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


async def met(sim: Simulator, what: str, *faults: AnyFault) -> str:
    """What a client says that does this while these faults are waiting. Its memory is looked at here."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CLIENT),
        env={**os.environ, **sim.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for fault in faults:
        sim.world.faults.add(fault)
    told = {"do": what, "credentials": sim.world.credentials()}
    process.stdin.write(json.dumps(told).encode() + b"\n")
    async with asyncio.timeout(60):
        if what == "events":
            assert await process.stdout.readline() == b"connected\n"
            await sim.world.person("Lan").says("sau quả bom", to=sim.world.me)
        out, _ = await process.communicate()
    said: dict[str, Any] = json.loads(out)
    assert said["grown"] <= MOST_GROWTH, f"{said['grown'] // 2**20} MB for {what} with {faults}"
    assert "\n" not in said["said"]
    assert len(said["said"]) < 300
    return str(said["said"])


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_bomb_in_an_answer(sim: Simulator, encoding: Encoding) -> None:
    said = await met(sim, "friends", Bomb(call="friends", encoding=encoding, mebibytes=512))
    assert said == "AnswerTooLarge: friends: the answer has more than 12 MB"


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_bomb_in_a_download(sim: Simulator, encoding: Encoding) -> None:
    said = await met(sim, "download", Bomb(call="/a", encoding=encoding, mebibytes=512))
    assert said.startswith("TooLarge: download: the file has ")


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_bomb_in_place_of_the_qr_code(sim: Simulator, encoding: Encoding) -> None:
    said = await met(sim, "qr", Bomb(call="generate", encoding=encoding, mebibytes=512))
    assert said == "generate: the answer has more than 12 MB"


async def test_a_bomb_in_a_frame_costs_the_next_one_nothing(sim: Simulator) -> None:
    assert await met(sim, "events", Bombed(mebibytes=512)) == "heard sau quả bom"


async def test_an_answer_without_an_end(sim: Simulator) -> None:
    said = await met(sim, "friends", Endless(call="friends"))
    assert said == "AnswerTooLarge: friends: the answer has more than 12 MB"


async def test_an_answer_that_drips_is_given_up(sim: Simulator) -> None:
    sim.world.faults.add(Endless(call="/account", bytes=1, seconds=0.01))
    async with Transport(
        sim.network,
        user_agent="agent",
        jar=Jar(),
        clock=SystemClock(),
        random=Random(1),
        deadlines=Deadlines(total=0.3),
    ) as transport:
        with pytest.raises(NoAnswer, match="in time"):
            await transport.request("GET", "https://id.zalo.me/account", name="page")


@pytest.mark.parametrize(
    ("crooked", "complaint"),
    [
        (Crooked(call="friends", deep=400_000), "is not the JSON object that was expected"),
        (Crooked(call="friends", digits=5_000), "ProtocolError: friends: "),
        (Crooked(call="friends", many=3_000_000), "more than 500000 values"),
        (Crooked(call="friends", text='[{"userId":' + "9" * 5_000 + "}]"), "ProtocolError: friends: "),
        (Crooked(call="friends", text='[{"userId":1e999}]'), "ProtocolError: friends: "),
        (Crooked(call="friends", text='{"a":"\\ud800"'), "ProtocolError: friends: "),
        (Crooked(call="friends", deep=400_000, layer="outer"), "friends: "),
        (Crooked(call="friends", digits=5_000, layer="outer"), "friends: "),
    ],
)
async def test_json_that_breaks_readers(sim: Simulator, crooked: Crooked, complaint: str) -> None:
    assert complaint in await met(sim, "friends", crooked)


async def test_as_many_values_as_are_let_through_fit_into_the_memory(sim: Simulator) -> None:
    assert await met(sim, "friends", Crooked(call="friends", many=249_990)) == "249990 friends"


async def test_as_many_nulls_as_are_let_through_fit_too(sim: Simulator) -> None:
    text = "[" + ",".join(['{"userId":null}'] * 249_990) + "]"
    assert await met(sim, "friends", Crooked(call="friends", text=text)) == "249990 friends"


@pytest.mark.parametrize("nothing", ["null", "[]", "[null]", "[null,null]"])
async def test_no_data_is_the_empty_answer(sim: Simulator, nothing: str) -> None:
    assert await met(sim, "friends", Crooked(call="friends", text=nothing)) == "0 friends"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)


@pytest.mark.parametrize(
    ("picture", "complaint"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no PNG"),
        (b"GIF89a\1\0\1\0", "is no PNG"),
        (b"", "is no PNG"),
        (b"\x89PNG\r\n\x1a\n%!PS", "is no PNG"),
        (png(2001, 10), "2001 × 10 pixels"),
        (png(10, 1 << 31), "pixels"),
        (png(300, 300) + bytes(3 << 20), "picture of the QR code"),
    ],
)
async def test_a_picture_that_is_no_small_png(sim: Simulator, picture: bytes, complaint: str) -> None:
    said = await met(sim, "qr", Picture(base64=base64.b64encode(picture).decode()))
    assert said.startswith("login failed at generate: the picture of the QR code ")
    assert complaint in said


# Addresses


class Trap:
    """A listening socket where nothing may arrive, in clear or otherwise."""

    def __init__(self) -> None:
        self.came = 0
        self.port = 0

    async def __aenter__(self) -> Trap:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _take(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        writer.close()


FOREIGN = [
    "http://sim-{0}-wpa.chat.zalo.me",
    "http://127.0.0.1:{1}",
    "https://127.0.0.1:{1}",
    "https://evil.example",
    "https://chat.zalo.me.evil.example",
    "https://evilzalo.me",
    "https://zalo.me@evil.example",
    "https://chat.zalo.me:8443",
    "https://chat.zalo.me:",
    "https://chat.zalo.me.",
    "https://chat。zalo.me",
    "https://zаlo.me",
    "https://evil.example\\.zalo.me",
    "https://evil.example#.zalo.me",
    "https://evil.example?.zalo.me",
    "https:chat.zalo.me",
    "//chat.zalo.me",
    "ftp://chat.zalo.me",
    "https://[::1]:{1}",
    "https://[::1",
    "https://chat.zalo.me\r\nhost: evil.example",
    "https://chat.zalo.me\t.evil.example",
    "",
]


@pytest.mark.parametrize("address", FOREIGN)
async def test_a_service_outside_zalo_is_left_out_alone_and_named(sim: Simulator, address: str) -> None:
    async with Trap() as trap:
        odd = address.format("file", trap.port)
        sim.world.faults.add(Addresses(services={"file": [odd]}))
        session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
        assert session.left_out.keys() == {"file"}
        assert session.services["file"] == []
        assert "\n" not in session.left_out["file"]
        assert len(session.left_out["file"]) < 200
        async with Zalo(session, network=sim.network) as zalo:
            await zalo.friends()
    assert trap.came == 0


@pytest.mark.parametrize("service", ["chat", "group"])
@pytest.mark.parametrize("address", ["http://chat.zalo.me", "https://evil.example"])
async def test_a_login_that_could_send_no_text_fails(sim: Simulator, service: str, address: str) -> None:
    sim.world.faults.add(Addresses(services={service: [address]}))
    with pytest.raises(LoginFailed, match=rf"cannot be used \({service}: "):
        await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)


@pytest.mark.parametrize(
    "sockets",
    [["ws://ws1-msg.chat.zalo.me"], ["wss://evil.example"], ["https://chat.zalo.me", "wss://zalo.me:8443"]],
)
async def test_a_login_that_could_not_listen_fails(sim: Simulator, sockets: list[str]) -> None:
    sim.world.faults.add(Addresses(sockets=sockets))
    with pytest.raises(LoginFailed, match="socket"):
        await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)


async def test_one_bad_socket_among_good_ones_is_left_out(sim: Simulator) -> None:
    sim.world.faults.add(Addresses(sockets=["ws://ws1-msg.chat.zalo.me", "wss://ws2-msg.chat.zalo.me"]))
    session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
    assert session.ws_urls == ("wss://ws2-msg.chat.zalo.me",)
    assert "socket" in session.left_out


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["https://evil.example/x", "https://chat.zalo.me:8443/", "//evil.example", "https://[::1", "a:b"],
)
async def test_cookies_follow_no_redirect_out(sim: Simulator, location: str, status: int) -> None:
    session = await log_in(Credentials.from_object(sim.world.credentials()), network=sim.network)
    before = sim.world.log.last
    async with Zalo(session, network=sim.network, attempts=1) as zalo:
        sim.world.faults.add(Redirect(call="friends", location=location, status=status))
        with pytest.raises(ProtocolError, match=r"^friends: "):
            await zalo.friends()
    assert [one for one in sim.world.log.since(before) if isinstance(one, Refused)] == []


async def test_the_upgrade_follows_no_redirect(sim: Simulator) -> None:
    said = await met(sim, "events", Redirect(call="listen", location="https://evil.example/x"))
    assert said == "heard sau quả bom"  # over the next connection
    assert [one.host for one in sim.world.log.since() if isinstance(one, Refused)] == []
