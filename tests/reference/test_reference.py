"""The reference JavaScript client, unmodified, logs in to the simulator: the format is Zalo's, not our own.

Node and npm are needed; the package is installed once, into `node_modules` beside this file.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from reference.reference_client import GROUP, USER, Client, Failed, Node, reference_node
from zaloweb.sim.event_log import Connected, Login, QrLogin, Refused
from zaloweb.sim.server import Simulator

pytestmark = [pytest.mark.reference, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(loop_scope="module")
async def own_sim() -> AsyncIterator[Simulator]:
    """A world in which nothing has happened yet."""
    async with Simulator() as sim:
        yield sim


@pytest_asyncio.fixture(loop_scope="module")
async def client(own_sim: Simulator, program: str) -> AsyncIterator[Client]:
    """A client of that world that is not logged in yet."""
    async with reference_node(own_sim, program) as node:
        yield node.client()


async def chats(sim: Simulator, client: Client) -> None:
    """What both ways of logging in lead to: a message of each kind in, one of each kind out."""
    world = sim.world
    lan = world.person("Trần Thị Lan")
    stranger = world.person("Phạm Quốc Bảo", friend=False)
    work = world.group("Nhóm Làm Việc", [lan])
    assert await client.call("getOwnId") == world.me.uid
    await client.listen()
    await world.arrived(Connected)

    await stranger.says("xin chào 👋")
    (heard,) = await client.hears("message")
    assert (heard["type"], heard["threadId"], heard["data"]["content"]) == (USER, stranger.uid, "xin chào 👋")
    await lan.says("họp lúc 9 giờ", group=work)
    (heard,) = await client.hears("message")
    assert (heard["type"], heard["threadId"], heard["data"]["dName"]) == (GROUP, work.gid, "Trần Thị Lan")

    answer = await client.call("sendMessage", "chào bạn", stranger.uid, USER)
    sent = await world.next_sent()
    assert (sent.thread, sent.thread_id, sent.text) == ("user", stranger.uid, "chào bạn")
    assert answer == {"message": {"msgId": int(sent.msg_id)}, "attachment": []}
    (echo,) = await client.hears("message")
    assert (echo["isSelf"], echo["data"]["msgId"]) == (True, sent.msg_id)
    await client.call("sendMessage", "vâng ạ", work.gid, GROUP)
    sent = await world.next_sent()
    assert (sent.thread, sent.thread_id, sent.text) == ("group", work.gid, "vâng ạ")
    (echo,) = await client.hears("message")
    assert echo["data"]["msgId"] == sent.msg_id
    assert not [record for record in world.log.since() if isinstance(record, Refused)]


async def test_it_logs_in_with_a_qr_code_and_chats(own_sim: Simulator, client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        login = group.create_task(client.call("loginQR", {}))
        (shown,) = await client.hears("QRCodeGenerated")
        assert base64.b64decode(shown["image"]).startswith(b"\x89PNG")
        own_sim.world.phone.scan()
        (scanned,) = await client.hears("QRCodeScanned")
        assert scanned["display_name"] == own_sim.world.me.name
        own_sim.world.phone.confirm()
    assert login.result() == own_sim.world.me.uid
    await own_sim.world.arrived(QrLogin)
    await chats(own_sim, client)


async def test_it_logs_in_with_cookies_and_chats(own_sim: Simulator, client: Client) -> None:
    await client.log_in()
    arrived = await own_sim.world.arrived(Login)
    assert (arrived.account, arrived.language) == (own_sim.world.me.uid, "vi")
    await chats(own_sim, client)


async def test_it_hears_of_a_decline(own_sim: Simulator, client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        login = group.create_task(client.call("loginQR", {}))
        await client.hears("QRCodeGenerated")
        own_sim.world.phone.scan()
        await client.hears("QRCodeScanned")
        own_sim.world.phone.decline()
        await client.hears("QRCodeDeclined")
        login.cancel()


async def test_it_is_told_that_its_code_is_gone(own_sim: Simulator, client: Client) -> None:
    async with asyncio.TaskGroup() as group:
        login = group.create_task(refused(client))
        await client.hears("QRCodeGenerated")
        own_sim.world.phone.expire()
    assert login.result().name == "ZcaApiError"


async def refused(client: Client) -> Failed:
    """What the client throws out of a QR login that must fail."""
    with pytest.raises(Failed) as failed:
        await client.call("loginQR", {})
    return failed.value


async def test_a_second_client_makes_the_first_one_go(node: Node, listening: Client) -> None:
    second = node.client()
    await second.log_in()
    await second.listen()
    assert (await listening.hears("closed"))[0] == 3000
