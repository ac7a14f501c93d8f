"""The simulator's side of the wire, seen by a bare client: envelopes, signatures, cookies, frames, codes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from packages.zaloweb.tests.sim_client import IMEI, VERSION, Bare, cookies_of

from zaloweb.sim.event_log import (
    AskedOld,
    Called,
    Connected,
    Delivered,
    Disconnected,
    Pinged,
    Refused,
    Seen,
    Sent,
    Typed,
    UnknownFrame,
)
from zaloweb.sim.rules import Rules, Sealing
from zaloweb.sim.server import Simulator
from zaloweb.sim.services import SERVICE_MAP, SOCKET_URLS
from zaloweb.sim.world import World
from zaloweb.wire import cipher
from zaloweb.wire.frames import Cmd, Frame, old_messages, old_reactions, pack, ping

QUOTE_KEYS = ("qmsgOwner", "qmsgId", "qmsgCliId", "qmsgType", "qmsgTs", "qmsg")


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(World(rules=Rules(page=3, poll_seconds=0.01))) as simulator:
        yield simulator


async def test_the_login_gives_key_addresses_and_services(sim: Simulator) -> None:
    async with Bare(sim, cookies_of(sim.world)) as bare:
        data = (await bare.login())["data"]
        assert data["uid"] == sim.world.me.uid
        assert len(base64.b64decode(data["zpw_enk"])) == 16
        assert data["zpw_ws"] == SOCKET_URLS
        needed = """alias aext auto_reply catalog chat conversation file friend friend_board group group_board
        group_poll label profile quick_message reaction sticker zimsg"""
        assert all(data["zpw_service_map_v3"][name] for name in needed.split())


async def test_a_login_with_a_wrong_signature_is_refused(sim: Simulator) -> None:
    async with Bare(sim, cookies_of(sim.world)) as bare:
        for changed in ({"signkey": "0" * 32}, {"client_version": "671"}):
            answer = await bare.login(**changed)
            assert (answer["error_code"], "signkey is wrong" in answer["error_message"]) == (114, True)


async def test_dead_cookies_are_told_in_the_sealed_answer_and_by_server_info(sim: Simulator) -> None:
    async with Bare(sim, {"zpw_sek": "of-nobody"}) as bare:
        assert (await bare.login())["error_code"] == 102
        query = {"imei": IMEI, "type": "30", "client_version": "685", "computer_name": "Web"}
        query |= {"signkey": cipher.sign("getserverinfo", query)}
        told = await bare.json("GET", "https://wpa.chat.zalo.me/api/login/getServerInfo", params=query)
    assert (told["error_code"], told["data"]) == (600, None)


async def test_settings_have_the_servers_spelling(client: Bare) -> None:
    query = {"imei": IMEI, "type": "30", "client_version": "685", "computer_name": "Web"}
    query |= {"signkey": cipher.sign("getserverinfo", query)}
    told = await client.json("GET", "https://wpa.chat.zalo.me/api/login/getServerInfo", params=query)
    socket = told["data"]["setttings"]["features"]["socket"]
    assert socket["ping_interval"] == Rules().ping_interval_ms
    assert 1006 not in socket["close_and_retry_codes"]


async def test_a_sent_message_has_an_id_and_comes_back_as_an_echo(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    socket = await client.connect()
    params = {"message": "chào Lan", "clientId": 1700000000123, "imei": IMEI, "ttl": 0, "toid": lan.uid}
    answer = await client.call("POST", "chat", "/api/message/sms", params)
    echo = (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]
    sent = await sim.world.next_sent()
    assert str(answer["data"]["msgId"]) == echo["msgId"] == sent.msg_id
    assert (echo["uidFrom"], echo["idTo"], echo["cliMsgId"]) == ("0", lan.uid, "1700000000123")
    assert (sent.thread, sent.thread_id, sent.text, sent.params) == ("user", lan.uid, "chào Lan", params)


async def test_a_group_message_may_mention_and_quote(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    work = sim.world.group("Nhóm Làm Việc", [lan])
    asked = await lan.says("mấy giờ?", group=work)
    mention = {"pos": 0, "uid": lan.uid, "len": 13, "type": 0}
    quote = {"qmsgOwner": lan.uid, "qmsgId": asked.msg_id, "qmsgCliId": asked.cli_msg_id, "qmsgType": 1}
    quote |= {"qmsgTs": str(asked.sent_ms), "qmsg": "mấy giờ?", "qmsgTTL": 0}
    text = {"grid": work.gid, "message": "@Trần Thị Lan 9 giờ", "clientId": 1, "ttl": 0, "visibility": 0}
    await client.call(
        "POST", "group", "/api/group/quote", text | quote | {"mentionInfo": json.dumps([mention])}
    )
    sent = await sim.world.next_sent()
    assert (sent.thread, sent.quoted, sent.mentions) == ("group", asked.msg_id, [mention])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"message": "x", "clientId": 1, "ttl": 0, "grid": "9999"}, 166),
        ({"message": "", "clientId": 1, "ttl": 0, "grid": "9100000000000000001"}, 114),
        ({"message": "x", "clientId": "1", "ttl": 0, "grid": "9100000000000000001"}, 114),
        ({"message": "x", "clientId": 1, "ttl": 0}, 114),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused_with_a_code(
    sim: Simulator, client: Bare, params: dict[str, Any], code: int
) -> None:
    sim.world.group("Nhóm Làm Việc")
    assert (await client.call("POST", "group", "/api/group/sendmsg", params))["error_code"] == code
    assert (await sim.world.arrived(Refused)).code == code
    assert sim.world.sent == []


@pytest.mark.parametrize(
    ("path", "more", "why"),
    [
        ("/api/group/mention", {}, "mentionInfo must be a text"),
        ("/api/group/mention", {"mentionInfo": "[]"}, "mentionInfo must list mentions"),
        ("/api/group/mention", {"mentionInfo": "[1"}, "mentionInfo must be JSON in a text"),
        ("/api/group/quote", {}, "a quote needs qmsgOwner, qmsgId"),
        ("/api/group/quote", dict.fromkeys(QUOTE_KEYS, "x"), "qmsgCliId must be a number"),
        ("/api/group/sendmsg", {"textProperties": '{"ver":0}'}, "textProperties must be JSON in a text"),
        ("/api/group/sendmsg", {"ttl": True}, "ttl must be a number"),
    ],
)
async def test_odd_parameters_are_refused_and_not_a_crash(
    sim: Simulator, client: Bare, path: str, more: dict[str, Any], why: str
) -> None:
    work = sim.world.group("Nhóm Làm Việc")
    told = await client.call("POST", "group", path, {"message": "x", "clientId": 1, "grid": work.gid} | more)
    assert (told["error_code"], why in told["error_message"]) == (114, True)


async def test_an_unknown_path_a_wrong_host_and_a_wrong_method_are_told_and_recorded(
    sim: Simulator, client: Bare
) -> None:
    told = await client.call("POST", "chat", "/api/message/dance", {})
    assert told["error_message"] == "the simulator has no POST /api/message/dance at chat"
    assert (await client.call("POST", "group", "/api/message/sms", {}))["error_code"] == 404
    assert (await client.call("GET", "chat", "/api/message/sms", {}))["error_code"] == 404
    paths = [record.path for record in sim.world.log.since() if isinstance(record, Refused)]
    assert paths == ["/api/message/dance", "/api/message/sms", "/api/message/sms"]


async def test_an_expired_session_is_answered_with_600(sim: Simulator, client: Bare) -> None:
    sim.world.expire_session()
    assert (await client.call("GET", "profile", "/api/social/profile/me-v2", None))["error_code"] == 600
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.connect()
    assert refused.value.status == 401


async def test_parameters_sealed_with_another_key_are_refused(client: Bare) -> None:
    client.key = bytes(16)
    told = await client.call("POST", "chat", "/api/message/sms", {})
    assert (told["error_code"], "cannot be decrypted" in told["error_message"]) == (114, True)


async def test_typing_delivered_and_seen_are_recorded(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    item = {"cmi": "1", "gmi": "6800000000001", "si": lan.uid, "di": "0", "mt": "webchat"}
    user = json.dumps({"seen": 0, "data": [item]})
    group = json.dumps({"data": [item], "grid": "9100000000000000001"})
    await client.call("POST", "chat", "/api/message/typing", {"toid": lan.uid, "destType": 3, "imei": IMEI})
    await client.call("POST", "chat", "/api/message/deliveredv2", {"msgInfos": user})
    await client.call("POST", "group", "/api/group/seenv2", {"msgInfos": group, "imei": IMEI})
    assert (await sim.world.arrived(Typed)).thread_id == lan.uid
    delivered = await sim.world.arrived(Delivered)
    assert (delivered.thread, delivered.msg_ids, delivered.seen) == ("user", ["6800000000001"], False)
    seen = await sim.world.arrived(Seen)
    assert (seen.thread, seen.thread_id) == ("group", "9100000000000000001")


async def test_the_keep_alive_is_answered_without_encryption(sim: Simulator, client: Bare) -> None:
    query = VERSION | {"params": cipher.encrypt(client.key, json.dumps({"imei": IMEI}))}
    told = await client.json("GET", f"{SERVICE_MAP['chat'][0]}/keepalive", params=query)
    assert (told["error_code"], told["data"]) == (0, {"config_vesion": 12})
    assert (await sim.world.arrived(Called)).params == {"imei": IMEI}


@pytest.mark.parametrize("encrypt", [0, 1, 2, 3])
async def test_pushed_messages_come_in_every_packing(encrypt: Any) -> None:
    async with Simulator(World(rules=Rules(sealing=Sealing(encrypt)))) as sim:
        lan = sim.world.person("Trần Thị Lan")
        async with Bare(sim, cookies_of(sim.world)) as bare:
            socket = await bare.connect()
            for text in ("zlib", "gzip"):
                await lan.says(text)
                assert (await socket.event(Cmd.USER_MESSAGES))["msgs"][0]["content"] == text


async def test_pings_are_answered_and_missed_messages_come_in_pages(sim: Simulator, client: Bare) -> None:
    lan = sim.world.person("Trần Thị Lan")
    told = [await lan.says(str(number)) for number in range(4)]
    socket = await client.connect()
    await socket.raw.send_bytes(ping(1700000000000))
    assert (await socket.frame()).cmd == Cmd.PING
    assert (await sim.world.arrived(Pinged)).event_id == 1700000000000
    await socket.raw.send_bytes(old_messages(group=False, request_number=0))
    page = await socket.event(Cmd.OLD_USER_MESSAGES)
    assert ([item["content"] for item in page["msgs"]], page["more"]) == (["1", "2", "3"], 1)
    await socket.raw.send_bytes(old_messages(group=False, request_number=1, last_id=told[1].msg_id))
    page = await socket.event(Cmd.OLD_USER_MESSAGES)
    assert ([item["content"] for item in page["msgs"]], page["more"]) == (["0"], 0)
    await socket.raw.send_bytes(old_messages(group=True, request_number=2, last_id="no number"))
    assert await socket.event(Cmd.OLD_GROUP_MESSAGES) == {"groupMsgs": [], "more": 0}
    await socket.raw.send_bytes(old_reactions(group=True, request_number=2))
    assert await socket.event(Cmd.OLD_GROUP_REACTIONS) == {"reactGroups": []}
    asked = [record.answered for record in sim.world.log.since() if isinstance(record, AskedOld)]
    assert asked == [3, 1, 0, 0]


async def test_frames_that_mean_nothing_are_recorded_and_harm_nothing(sim: Simulator, client: Bare) -> None:
    socket = await client.connect()
    await socket.raw.send_bytes(b"\x01\x02")
    await socket.raw.send_str("text")
    await socket.raw.send_bytes(pack(Frame(1, 999, 3, b"{}")))
    await socket.raw.send_bytes(pack(Frame(1, Cmd.PING, 1, b"[not json")))
    assert (await socket.frame()).cmd == Cmd.PING
    unknown = [record.cmd for record in sim.world.log.since() if isinstance(record, UnknownFrame)]
    assert unknown == [0, 999]


async def test_a_second_listener_makes_the_first_one_go(sim: Simulator, client: Bare) -> None:
    first = await client.connect()
    second = await client.connect(host=1)
    frame = await first.frame()
    assert (frame.cmd, frame.sub, json.loads(frame.body)) == (3000, 0, {"error_code": 0})
    await first.raw.close(code=3000)
    assert first.raw.close_code == 3000
    assert (await sim.world.arrived(Disconnected)).code == 3000
    lan = sim.world.person("Trần Thị Lan")
    await lan.says("ai đó?")
    assert (await second.event(Cmd.USER_MESSAGES))["msgs"][0]["content"] == "ai đó?"


@pytest.mark.parametrize("code", [1006, 1001, 3003, 4001])
async def test_a_connection_ends_as_it_is_told_to(sim: Simulator, client: Bare, code: int) -> None:
    socket = await client.connect()
    await sim.drop(code)
    assert await socket.end() == code
    assert (await sim.world.arrived(Disconnected)).code == code
    await client.connect()
    assert len([record for record in sim.world.log.since() if isinstance(record, Connected)]) == 2


async def test_a_refreshed_cookie_comes_once_and_the_old_one_stays_good(sim: Simulator, client: Bare) -> None:
    sim.world.refresh_cookies()
    new = cookies_of(sim.world)["zpw_sek"]
    assert client.cookies["zpw_sek"] != new
    url = f"{SERVICE_MAP['profile'][0]}/api/social/profile/me-v2"
    set_cookies = []
    for _ in range(2):
        set_cookies.append(await client.set_cookies("GET", url, params=VERSION))
    assert [len(found) for found in set_cookies] == [1, 0]
    assert set_cookies[0][0].startswith(f"zpw_sek={new}; Domain=.chat.zalo.me;")


async def test_two_accounts_in_one_group_see_each_others_messages(sim: Simulator, client: Bare) -> None:
    huy = sim.world.account("Hoàng Gia Huy")
    work = sim.world.group("Nhóm Làm Việc", [huy])
    shown = {cookie["key"]: cookie["value"] for cookie in sim.world.credentials(huy)["cookie"]}
    async with Bare(sim, shown) as other:
        mine, his = await client.connect(), await other.connect()
        params = {"grid": work.gid, "message": "chào cả nhà", "clientId": 1, "ttl": 0, "visibility": 0}
        await client.call("POST", "group", "/api/group/sendmsg", params)
        assert (await mine.event(Cmd.GROUP_MESSAGES))["groupMsgs"][0]["uidFrom"] == "0"
        assert (await his.event(Cmd.GROUP_MESSAGES))["groupMsgs"][0]["uidFrom"] == sim.world.me.uid
    assert [record.account for record in sim.world.log.since() if isinstance(record, Sent)] == [
        sim.world.me.uid
    ]
