"""What the reference client makes of a Zalo in trouble: its error codes are those the simulator was to give.

The client gives every answer that holds no code of the server's an error without a code.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Literal

import pytest
import pytest_asyncio

from reference.reference_client import GROUP, USER, Client, Failed, Node
from zaloweb.sim.event_log import Connected, Meddled, Refused, Sent
from zaloweb.sim.faults import Error, Lost, Reset, Slow, Status
from zaloweb.sim.people import Account, Person
from zaloweb.sim.registry import Group
from zaloweb.sim.server import Simulator

pytestmark = [pytest.mark.reference, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

CODES = [114, 112, 122, 221, 102, 600, -1]
CALLS: dict[str, tuple[str, list[Any]]] = {
    "account info": ("fetchAccountInfo", []),
    "friends": ("getAllFriends", []),
    "groups": ("getAllGroups", []),
    "friends online": ("getFriendOnlines", []),
    "mutes": ("getMute", []),
    "stickers": ("getStickers", ["xin chào"]),
    "parse link": ("parseLink", ["https://example.com"]),
}
_numbers = count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def account(sim: Simulator) -> AsyncIterator[Account]:
    """An account to which nothing has happened yet; faults that are left over end with the test."""
    yield sim.world.account(f"Tài khoản {next(_numbers)}")
    sim.world.faults.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def client(node: Node, account: Account) -> Client:
    """A client that is logged in to this account, and does not listen."""
    client = node.client()
    await client.log_in(account)
    return client


async def failure(client: Client, call: str, *args: Any) -> Failed:
    """What the client throws out of a call that must fail."""
    with pytest.raises(Failed) as failed:
        await client.call(call, *args)
    return failed.value


# Error codes


@pytest.mark.parametrize("layer", ["outer", "inner"])
@pytest.mark.parametrize("code", CODES)
async def test_a_code_in_either_layer(
    sim: Simulator, client: Client, lan: Person, code: int, layer: Literal["outer", "inner"]
) -> None:
    sim.world.faults.add(Error(call="send text", code=code, message="Lỗi rồi", layer=layer))
    failed = await failure(client, "sendMessage", "chào", lan.uid, USER)
    assert (failed.name, failed.code, failed.message) == ("ZcaApiError", code, "Lỗi rồi")
    assert (await client.call("sendMessage", "chào", lan.uid, USER))["message"]["msgId"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("layer", ["outer", "inner"])
async def test_a_code_of_other_calls(
    sim: Simulator, client: Client, name: str, layer: Literal["outer", "inner"]
) -> None:
    sim.world.faults.add(Error(call=name, code=-69, message="Có lỗi", layer=layer))
    call, args = CALLS[name]
    assert (await failure(client, call, *args)).code == -69
    await client.call(call, *args)


async def test_a_code_of_the_keep_alive(sim: Simulator, client: Client) -> None:
    sim.world.faults.add(Error(call="keep alive", code=102, message="Phiên đăng nhập hết hạn"))
    assert (await failure(client, "keepAlive")).code == 102


async def test_a_code_of_an_upload(sim: Simulator, client: Client, lan: Person) -> None:
    sim.world.faults.add(Error(call="upload photo", code=221, message="Vượt quá số request cho phép"))
    picture = {"data": b"x", "filename": "a.png", "metadata": {"totalSize": 1, "width": 1, "height": 1}}
    failed = await failure(client, "sendMessage", {"msg": "ảnh", "attachments": picture}, lan.uid, USER)
    assert failed.code == 221
    assert [sent for sent in sim.world.sent if sent.text == "ảnh"] == []


async def test_an_error_although_it_was_done(sim: Simulator, client: Client, lan: Person) -> None:
    sim.world.faults.add(Error(call="send text", code=-1, processed=True))
    assert (await failure(client, "sendMessage", "gửi rồi mà lỗi", lan.uid, USER)).code == -1
    assert (await sim.world.arrived(Sent, lambda sent: sent.text == "gửi rồi mà lỗi")).thread_id == lan.uid


async def test_what_the_world_itself_refuses(
    sim: Simulator, client: Client, lan: Person, work: Group, account: Account
) -> None:
    assert (await failure(client, "sendMessage", "vào được không?", work.gid, GROUP)).code == 166
    assert (await failure(client, "sendMessage", "ai đó?", "8200000000000999999", USER)).code == 114
    message = await lan.says("của Lan", to=account)
    target = {"msgId": message.msg_id, "cliMsgId": message.cli_msg_id}
    assert (await failure(client, "undo", target, lan.uid, USER)).code == 330
    refused = [
        one for one in sim.world.log.since() if isinstance(one, Refused) and one.account == account.uid
    ]
    assert [one.code for one in refused] == [166, 114, 330]


# Answers that are none


@pytest.mark.parametrize("status", [403, 500, 502, 503, 504])
async def test_an_http_status(sim: Simulator, client: Client, status: int) -> None:
    sim.world.faults.add(Status(call="friends", status=status, body="<html>Bad Gateway</html>"))
    failed = await failure(client, "getAllFriends")
    assert (failed.name, failed.code) == ("ZcaApiError", None)
    assert str(status) in failed.message


@pytest.mark.parametrize("body", ["", "<html>", '{"error_code": 0', '{"error_code": 0, "data": "AAAA"}'])
async def test_a_body_that_is_no_answer(sim: Simulator, client: Client, body: str) -> None:
    sim.world.faults.add(Status(call="friends", status=200, body=body))
    failed = await failure(client, "getAllFriends")
    assert (failed.name, failed.code) == ("ZcaApiError", None)


async def test_a_connection_that_is_cut(sim: Simulator, client: Client) -> None:
    sim.world.faults.add(Reset(call="account info"))
    assert (await failure(client, "fetchAccountInfo")).name == "TypeError"  # of node's fetch
    assert (await client.call("fetchAccountInfo"))["profile"]


async def test_a_slow_answer_is_waited_for_while_others_pass(sim: Simulator, client: Client) -> None:
    before = sim.world.log.last
    sim.world.faults.add(Slow(call="groups", seconds=0.5))
    order: list[str] = []

    async def made(call: str) -> None:
        await client.call(call)
        order.append(call)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made("getAllGroups"))
        await sim.world.arrived(Meddled, after=before)
        tasks.create_task(made("keepAlive"))
    assert order == ["keepAlive", "getAllGroups"]


# Sessions


async def test_an_expired_session(sim: Simulator, node: Node, client: Client, account: Account) -> None:
    old = sim.world.credentials(account)
    sim.world.expire_session(account)
    assert (await failure(client, "getAllFriends")).code == 600
    assert (await failure(client, "keepAlive")).code == 600
    await client.call("listener.start", {})
    await client.hears("error")
    assert (await client.hears("closed"))[0] == 1006  # the upgrade is refused with 401
    refused = await failure(node.client(), "login", old, {})
    assert (refused.name, refused.code) == ("ZcaApiError", None)
    assert "zpw_sek" in refused.message
    again = node.client()
    await again.log_in(account)
    assert await again.call("getAllFriends") == []


async def test_a_login_elsewhere_kicks_and_ends_the_session(
    sim: Simulator, client: Client, account: Account
) -> None:
    await client.listen()
    await sim.world.second_login(account)
    assert (await client.hears("disconnected"))[0] == 3003
    assert (await client.hears("closed"))[0] == 3003
    assert (await failure(client, "getAllFriends")).code == 600


async def test_a_kick_is_not_tried_again(sim: Simulator, client: Client, account: Account) -> None:
    await client.listen(retryOnClose=True)
    await sim.kick(account)
    assert (await client.hears("closed"))[0] == 3003


async def test_a_refreshed_cookie_is_used(sim: Simulator, client: Client, account: Account) -> None:
    sim.world.refresh_cookies(account)
    await client.call("getAllFriends")
    session = sim.world.sessions.of_account(account)
    assert session is not None
    kept = {one["key"]: one["value"] for one in (await client.call("getCookie"))["cookies"]}
    assert kept["zpw_sek"] == session.zpw_sek


@pytest.mark.parametrize("page", ["getLoginInfo", "getServerInfo"])
async def test_a_login_that_fails_and_one_that_does_not(
    sim: Simulator, node: Node, account: Account, page: str
) -> None:
    client = node.client()
    sim.world.faults.add(Status(call=page, status=500))
    failed = await failure(client, "login", sim.world.credentials(account), {})
    assert (failed.name, failed.code) == ("ZcaApiError", None)
    await client.log_in(account)
    assert await client.call("getOwnId") == account.uid


async def test_a_qr_code_that_is_refused(sim: Simulator, node: Node) -> None:
    sim.world.faults.add(Error(call="authen/qr/generate", code=-2, message="Quá nhiều yêu cầu"))
    failed = await failure(node.client(), "loginQR", {})
    assert failed.name == "ZcaApiError"
    assert "Quá nhiều yêu cầu" in failed.message


# The socket


async def test_an_upgrade_that_is_refused(sim: Simulator, client: Client, account: Account) -> None:
    sim.world.faults.add(Status(call="listen", account=account.uid, status=503))
    await client.call("listener.start", {})
    await client.hears("error")
    assert (await client.hears("closed"))[0] == 1006
    await client.listen()
    await sim.world.arrived(Connected, lambda opened: opened.account == account.uid)


async def test_a_lost_message_can_be_asked_for(
    sim: Simulator, client: Client, account: Account, lan: Person
) -> None:
    await client.listen()
    sim.world.faults.add(Lost(account=account.uid))
    lost, kept = await lan.says("mất", to=account), await lan.says("còn", to=account)
    (heard,) = await client.hears("message")
    assert heard["data"]["msgId"] == kept.msg_id
    await client.call("listener.requestOldMessages", USER, None)
    messages, _ = await client.hears("old_messages")
    assert [one["data"]["msgId"] for one in messages] == [lost.msg_id, kept.msg_id]


async def test_a_half_open_socket_tells_nothing_until_it_is_cut(
    sim: Simulator, client: Client, account: Account, lan: Person
) -> None:
    await client.listen()
    sim.world.half_open(account)
    await lan.says("không ai nghe", to=account)
    assert await client.call("keepAlive")
    await sim.drop(1006, account)
    assert (await client.hears("closed"))[0] == 1006
    assert client.unheard("message") == []
