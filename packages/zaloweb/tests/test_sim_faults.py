"""What goes wrong on purpose: with calls, with uploads, with connections and with pushed frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import aiohttp
import msgspec
import pytest
from packages.zaloweb.tests.sim_client import IMEI, Bare, BareSocket, cookies_of

from zaloweb.events import Message, Undecodable
from zaloweb.events.decoder import Decoder
from zaloweb.sim.event_log import Disconnected, Meddled, Pinged, Sent
from zaloweb.sim.faults import (
    AnyCallFault,
    AnyPushFault,
    Error,
    Faults,
    FileDone,
    ForeignEcho,
    Lost,
    Packed,
    Repeated,
    Reset,
    Silence,
    Slow,
    Spoiled,
    Status,
    Swapped,
)
from zaloweb.sim.faults import (
    Undecodable as UndecodableFrames,
)
from zaloweb.sim.people import Person
from zaloweb.sim.rules import Rules
from zaloweb.sim.server import Simulator
from zaloweb.sim.services import SERVICE_MAP
from zaloweb.sim.world import World
from zaloweb.wire import cipher
from zaloweb.wire.frames import Cmd, old_messages, ping


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(World(rules=Rules(upload_seconds=0))) as simulator:
        yield simulator


@pytest.fixture
def lan(sim: Simulator) -> Person:
    return sim.world.person("Trần Thị Lan")


async def send(client: Bare, lan: Person) -> dict[str, Any]:
    params = {"message": "chào", "clientId": 17, "imei": IMEI, "ttl": 0, "toid": lan.uid}
    return await client.call("POST", "chat", "/api/message/sms", params)


@pytest.mark.parametrize("call", ["*", "sms", "message/sms", "/api/message/sms", "/api/*/sms", "send text"])
async def test_a_call_is_meant_by_its_path_a_part_of_it_a_pattern_or_its_name(call: str) -> None:
    faults = Faults(Random(0))
    faults.add(Error(call=call, code=221))
    assert faults.for_call("/api/social/profile/me-v2", "account info", "1") is None or call == "*"
    faults.clear()
    faults.add(Error(call=call, code=221))
    assert faults.for_call("/api/message/sms", "send text", "1") == Error(call=call, code=221)


def test_faults_hit_so_often_and_only_the_account_that_is_meant() -> None:
    faults = Faults(Random(0))
    faults.add(Error(code=1, account="8", times=2))
    faults.add(Error(code=2, times=None))
    hit = [faults.for_call("/x", "", account) for account in ("7", "8", "8", "8", "8")]
    assert [one.code for one in hit if isinstance(one, Error)] == [2, 1, 1, 2, 2]
    assert [one.times for one in faults.active()] == [None]


def test_chance_can_be_repeated() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(Random(seed))
        faults.add(Reset(times=None, probability=0.3))
        return [faults.for_call("/x", "", "") is not None for _ in range(200)]

    assert hits(7) == hits(7) != hits(8)
    assert 30 < sum(hits(7)) < 90


@pytest.mark.parametrize("layer", ["outer", "inner"])
@pytest.mark.parametrize("processed", [False, True])
async def test_an_error_stands_in_either_layer_of_the_envelope(
    sim: Simulator, client: Bare, lan: Person, layer: Any, processed: bool
) -> None:
    sim.world.faults.add(Error(call="sms", code=221, message="chậm thôi", layer=layer, processed=processed))
    url = SERVICE_MAP["chat"][0] + "/api/message/sms?zpw_ver=685&zpw_type=30"
    params = {"message": "chào", "clientId": 17, "imei": IMEI, "ttl": 0, "toid": lan.uid}
    outer = await client.json("POST", url, data=client.sealed(params))
    told = outer if layer == "outer" else json.loads(cipher.decrypt(client.key, outer["data"]))
    assert (outer["error_code"], told["error_code"], told["error_message"]) == (
        221 if layer == "outer" else 0,
        221,
        "chậm thôi",
    )
    assert len(sim.world.sent) == int(processed)
    assert (await sim.world.arrived(Meddled)).path == "/api/message/sms"
    assert (await send(client, lan))["error_code"] == 0


async def test_a_bad_gateway_and_rubbish_are_answered_as_they_are(
    sim: Simulator, client: Bare, lan: Person
) -> None:
    sim.world.faults.add(Status(call="sms", status=502, body="<html>Bad gateway</html>"))
    with pytest.raises(aiohttp.ContentTypeError):
        await send(client, lan)
    assert sim.world.sent == []


@pytest.mark.parametrize("processed", [False, True])
async def test_a_connection_is_cut_before_or_after_the_message_was_taken(
    sim: Simulator, client: Bare, lan: Person, processed: bool
) -> None:
    socket = await client.connect()
    sim.world.faults.add(Reset(call="send text", processed=processed))
    with pytest.raises(aiohttp.ClientConnectionError):
        await send(client, lan)
    assert len(sim.world.sent) == int(processed)
    if processed:
        assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["cliMsgId"] == "17"


async def test_an_accepted_message_is_never_answered_but_its_echo_comes(
    sim: Simulator, client: Bare, lan: Person
) -> None:
    socket = await client.connect()
    sim.world.faults.add(Silence(call="sms"))
    waiting = asyncio.create_task(send(client, lan))
    sent = await sim.world.arrived(Sent)
    assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["msgId"] == sent.msg_id
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await send(client, lan))["error_code"] == 0


async def test_a_slow_answer_comes_all_the_same(sim: Simulator, client: Bare, lan: Person) -> None:
    sim.world.faults.add(Slow(call="sms", seconds=0.01, processed=True))
    assert (await send(client, lan))["error_code"] == 0


async def test_the_login_and_the_upgrade_can_fail_too(sim: Simulator, client: Bare) -> None:
    sim.world.faults.add(Error(call="getLoginInfo", code=-1, message="Lỗi hệ thống"))
    assert (await client.login())["error_code"] == -1
    sim.world.faults.add(Status(call="listen", status=503))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.connect()
    assert refused.value.status == 503
    await client.connect()


@pytest.mark.parametrize("when", ["early", "late", "never"])
async def test_the_push_for_an_upload_comes_early_late_or_never(
    sim: Simulator, client: Bare, lan: Person, when: Any
) -> None:
    sim.world.faults.add(FileDone(when=when, seconds=0.01))
    if when == "early":
        sim.world.faults.add(Silence(call="asyncfile/upload"))
    socket = await client.connect()
    params = {"toid": lan.uid, "totalChunk": 1, "fileName": "a.txt", "clientId": 17, "totalSize": 1}
    path = "/api/message/asyncfile/upload"
    uploading = asyncio.create_task(client.upload(path, params | {"chunkId": 1}, b"a"))
    if when == "never":
        assert (await uploading)["data"]["finished"] == 1
        await lan.says("đến sau")
        assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["content"] == "đến sau"
        return
    done = (await socket.event(Cmd.CONTROLS))["controls"][0]["content"]
    assert done["act_type"] == "file_done"
    assert uploading.done() is (when == "late")
    uploading.cancel()
    await asyncio.gather(uploading, return_exceptions=True)


@pytest.mark.parametrize(
    ("fault", "same"),
    [
        (ForeignEcho(call="send text"), {"msgId": False, "cliMsgId": False}),
        (ForeignEcho(call="send text", message_id=False), {"msgId": True, "cliMsgId": False}),
        (ForeignEcho(call="send text", client_id=False), {"msgId": False, "cliMsgId": True}),
    ],
)
async def test_an_echo_can_have_ids_that_its_sender_does_not_know(
    sim: Simulator, client: Bare, fault: ForeignEcho, same: dict[str, bool]
) -> None:
    huy = sim.world.account("Hoàng Gia Huy")
    sim.world.faults.add(fault)
    socket = await client.connect()
    async with Bare(sim, cookies_of(sim.world, huy)) as other:
        await other.login()
        theirs = await other.connect()
        answer = (await send(client, huy))["data"]
        told = {"msgId": str(answer["msgId"]), "cliMsgId": "17"}
        echo = (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]
        received = (await theirs.event(Cmd.USER_MESSAGES))["msgs"][0]
    assert (echo["uidFrom"], echo["idTo"], echo["content"]) == ("0", huy.uid, "chào")
    assert {name: echo[name] == told[name] for name in told} == same
    assert {name: received[name] for name in told} == told
    (kept,) = sim.world.me.remembered(group=False, before=None, count=9)
    assert (kept.msg_id, kept.cli_msg_id) == (echo["msgId"], echo["cliMsgId"])
    await send(client, huy)  # the fault hits once
    assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["cliMsgId"] == "17"


async def heard(socket: BareSocket, decoder: Decoder, count: int) -> list[str]:
    """What a decoder makes of the next frames: the texts, and a mark for what it could not read."""
    found: list[str] = []
    for _ in range(count):
        for event in decoder.decode(await socket.raw.receive_bytes(timeout=10)):
            assert isinstance(event, Message | Undecodable)
            found.append(event.text if isinstance(event, Message) else "?")
    return found


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Repeated(copies=3), ["một", "một", "một", "hai"]),
        (Swapped(), ["hai", "một"]),
        (Lost(), ["hai"]),
        (UndecodableFrames(), ["?", "?", "?", "?", "một", "hai"]),
        (Packed(encrypt=0), ["một", "hai"]),
        (Packed(encrypt=1, packing="gzip"), ["một", "hai"]),
        (Packed(encrypt=3), ["một", "hai"]),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_pushed_frames_are_troubled(
    sim: Simulator, client: Bare, lan: Person, fault: AnyPushFault, expected: list[str]
) -> None:
    socket = await client.connect()
    sim.world.faults.add(fault)
    await lan.says("một")
    await lan.says("hai")
    decoder = Decoder(sim.world.me.uid, socket.key)
    assert await heard(socket, decoder, len(expected)) == expected
    kept = sim.world.me.remembered(group=False, before=None, count=9)
    assert [message.content for message in kept] == ["một", "hai"]


async def test_bad_items_cost_the_good_ones_nothing(sim: Simulator, client: Bare, lan: Person) -> None:
    socket = await client.connect()
    sim.world.faults.add(Spoiled())
    await lan.says("một")
    decoder = Decoder(sim.world.me.uid, socket.key)
    assert await heard(socket, decoder, 1) == ["?", "?", "?", "một", "?", "?", "?"]


async def test_a_half_open_socket_says_nothing_more_and_what_came_meanwhile_is_held(
    sim: Simulator, client: Bare, lan: Person
) -> None:
    dead = await client.connect()
    sim.world.half_open()
    await lan.says("có ai không?")
    await dead.raw.send_bytes(ping(1))
    await dead.raw.ping()
    fresh = await client.connect()
    await fresh.raw.send_bytes(old_messages(group=False, request_number=0))
    missed = (await fresh.event(Cmd.OLD_USER_MESSAGES))["msgs"]
    assert [item["content"] for item in missed] == ["có ai không?"]
    assert not [record for record in sim.world.log.since() if isinstance(record, Pinged)]


async def test_pings_can_stay_unanswered(sim: Simulator, client: Bare, lan: Person) -> None:
    socket = await client.connect()
    sim.world.faults.add(Lost(event="pings"))
    await socket.raw.send_bytes(ping(1))
    await socket.raw.send_bytes(ping(2))
    assert (await socket.frame()).cmd == Cmd.PING
    await lan.says("xong")
    assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["content"] == "xong"


async def test_a_login_somewhere_else_ends_session_and_connection(sim: Simulator, client: Bare) -> None:
    socket = await client.connect()
    await sim.world.second_login()
    assert await socket.end() == 3003
    assert (await sim.world.arrived(Disconnected)).code == 3003
    assert (await client.call("GET", "profile", "/api/social/profile/me-v2", None))["error_code"] == 600


async def test_another_listener_sends_the_client_away(sim: Simulator, client: Bare) -> None:
    socket = await client.connect()
    await sim.world.second_listener()
    assert (await socket.frame()).cmd == Cmd.DUPLICATE


def test_every_fault_goes_through_json_and_back() -> None:
    faults: list[AnyCallFault | AnyPushFault] = [Error(code=1), FileDone(when="late"), Packed(), Silence()]
    for fault in faults:
        again = msgspec.json.decode(msgspec.json.encode(fault), type=AnyCallFault | AnyPushFault)
        assert again == fault
