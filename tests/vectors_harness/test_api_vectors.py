"""The recorded API calls, made with our client against a server that answers as recorded, over TLS.

What is compared: every byte-relevant part of the request (`vector_server`), and what became of the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest

from vectors_harness.differences import reason
from vectors_harness.recorded_account import recorded_session
from vectors_harness.vector_server import assert_same_error, playing, said_by_server, sent
from vectors_harness.vectors import Case, fixture, folder, load
from zaloweb import Zalo
from zaloweb.calls import friends, groups
from zaloweb.calls.messages import Look, Sent, Style, Urgency
from zaloweb.calls.quotes import Quoted
from zaloweb.errors import ApiError, HttpStatusError, InvalidRequest, NetworkError, ProtocolError, ZaloError
from zaloweb.events import Mention, Thread, ThreadKind

Made = Callable[[Zalo, Case], Awaitable[Any]]


# The calls, with the arguments of the recordings


async def send_message(zalo: Zalo, case: Case) -> Sent:
    args = case["args"]
    given = args[0] if isinstance(args[0], dict) else {"msg": args[0]}
    text = given["msg"]
    styles = given.get("styles")
    return await zalo.send_text(
        Thread(ThreadKind(args[2] if len(args) > 2 else 0), args[1]),
        text,
        client_id=case.get("clock_ms", fixture()["client"]["clock_ms"]),
        mentions=[mention(text, one) for one in given.get("mentions", ())],
        styles=None if styles is None else [style(text, one) for one in styles],
        quote=quoted(given["quote"]) if "quote" in given else None,
        urgency=Urgency(given.get("urgency", 0)),
        ttl_ms=given.get("ttl", 0),
    )


def mention(text: str, recorded: dict[str, Any]) -> Mention:
    return Mention(recorded["uid"], *code_points(text, recorded["pos"], recorded["len"]))


def style(text: str, recorded: dict[str, Any]) -> Style:
    start, length = code_points(text, recorded["start"], recorded["len"])
    look = Look(recorded["st"].removesuffix("$"))
    return Style(start, length, look, recorded.get("indentSize", 1))


def code_points(text: str, start: int, length: int) -> tuple[int, int]:
    """A place in UTF-16 units as one in code points; one outside the text stays as it is."""
    units = text.encode("utf-16-le")
    if start < 0 or length < 0 or 2 * (start + length) > len(units):
        return start, length
    before = units[: 2 * start].decode("utf-16-le")
    inside = units[2 * start : 2 * (start + length)].decode("utf-16-le")
    return len(before), len(inside)


def quoted(recorded: dict[str, Any]) -> Quoted:
    return Quoted(
        owner_id=recorded["uidFrom"],
        msg_id=recorded["msgId"],
        cli_msg_id=recorded["cliMsgId"],
        sent=recorded["ts"],
        msg_type=recorded["msgType"],
        content=recorded["content"],
        property_ext=recorded.get("propertyExt"),
        ttl_ms=recorded["ttl"],
    )


async def all_friends(zalo: Zalo, case: Case) -> Any:
    count = case["args"][0] if case["args"] else friends.ALL
    return await zalo.call(friends.all_friends(zalo.session.credentials.imei, count=count))


async def group_info(zalo: Zalo, case: Case) -> Any:
    [ids] = case["args"]
    return await zalo.call(groups.group_info([ids] if isinstance(ids, str) else ids))


async def own_id(zalo: Zalo, _: Case) -> str:
    return zalo.own_id


CALLS: Mapping[str, Made] = {
    "sendMessage": send_message,
    "fetchAccountInfo": lambda zalo, _: zalo.account_info(),
    "getAllFriends": all_friends,
    "getAllGroups": lambda zalo, _: zalo.call(groups.all_groups()),
    "getGroupInfo": group_info,
    "keepAlive": lambda zalo, _: zalo.keep_alive(),
    "getOwnId": own_id,
}


@asynccontextmanager
async def client(case: Case) -> AsyncIterator[Zalo]:
    """Our client, and the recorded server. Leaving holds what was sent against what was recorded."""
    async with playing(case, sent(case)) as server:
        session = recorded_session()
        async with Zalo(
            session, network=server.network, clock=server.clock, random=Random(1), attempts=1
        ) as zalo:
            yield zalo


@pytest.mark.family("api-sendMessage")
async def test_send_message(case: Case) -> None:
    if "/attach/" in case.name:
        pytest.skip("sending files is not part of the client yet")
    async with client(case) as zalo:
        if "error" in case:
            with pytest.raises(InvalidRequest):
                await send_message(zalo, case)
        else:
            told = case["result"]["message"]
            assert await send_message(zalo, case) == Sent(str(told["msgId"]))


@pytest.mark.family("api-fetchAccountInfo")
async def test_account_info(case: Case) -> None:
    async with client(case) as zalo:
        carries(await zalo.account_info(), case["result"]["profile"])


@pytest.mark.family("api-getAllFriends")
async def test_all_friends(case: Case) -> None:
    async with client(case) as zalo:
        found = await all_friends(zalo, case)
        assert [one.id for one in found] == [one["userId"] for one in case["result"]]
        for one, recorded in zip(found, case["result"], strict=True):
            carries(one, recorded)


@pytest.mark.family("api-getAllGroups")
async def test_all_groups(case: Case) -> None:
    async with client(case) as zalo:
        found = await zalo.call(groups.all_groups())
        assert found.ids == tuple(case["result"]["gridVerMap"])
        carries(found, case["result"])


@pytest.mark.family("api-getGroupInfo")
async def test_group_info(case: Case) -> None:
    async with client(case) as zalo:
        found = await group_info(zalo, case)
        assert found.grid_info_map.keys() == case["result"]["gridInfoMap"].keys()
        for group_id, recorded in case["result"]["gridInfoMap"].items():
            group = found.grid_info_map[group_id]
            carries(group, recorded)
            assert group.members() == tuple(text.partition("_")[0] for text in recorded["memVerList"])


@pytest.mark.family("api-keepAlive")
async def test_keep_alive(case: Case) -> None:
    async with client(case) as zalo:
        assert msgspec.to_builtins(await zalo.keep_alive()) == case["result"]


@pytest.mark.family("api-getOwnId")
async def test_own_id(case: Case) -> None:
    async with client(case) as zalo:
        assert zalo.own_id == case["result"]


def carries(value: msgspec.Struct, recorded: dict[str, Any]) -> None:
    """Every field of our value that the recorded answer has is the same there."""
    ours = msgspec.to_builtins(value)
    shared = {key: recorded[key] for key in ours.keys() & recorded.keys()}
    assert shared
    for key, wanted in shared.items():
        if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
            assert [item["id"] for item in ours[key]] == [item["id"] for item in wanted]
        else:
            assert ours[key] == wanted, key


# Answers that are errors


@pytest.mark.family("api-errors")
async def test_error(case: Case) -> None:
    if case["api"] not in CALLS:
        pytest.skip("this call is not part of the client yet")
    async with client(case) as zalo:
        make = CALLS[case["api"]]
        if "error" in case:
            with pytest.raises(ZaloError) as caught:
                await make(zalo, case)
            assert_error(case, caught.value)
        elif reason(case.name):
            with pytest.raises(ProtocolError):
                await make(zalo, case)
        else:
            await make(zalo, case)
            assert_cookies(case, zalo)


def assert_error(case: Case, error: ZaloError) -> None:
    recorded = case["error"]
    if recorded["type"] == "engine":
        assert isinstance(error, NetworkError)
    elif status := next(
        (r["response"]["status"] for r in case["requests"] if r["response"]["status"] != 200), 0
    ):
        assert isinstance(error, HttpStatusError)
        assert error.status == status
    else:
        code = error.code if isinstance(error, ApiError) else None
        assert_same_error(recorded, code, str(error), said_by_server(case, sent(case)))


def assert_cookies(case: Case, zalo: Zalo) -> None:
    """A cookie that an answer set is the one kept."""
    for request in case["requests"]:
        for name, value in request["response"].get("headers", ()):
            if name == "set-cookie":
                key, _, wanted = value.partition(";")[0].partition("=")
                assert wanted in [cookie.value for cookie in zalo.session.jar if cookie.name == key]


# Calls that come later: counted, so that the numbers say how much of the API there is

LATER = sorted(
    path.stem
    for path in folder().glob("api-*.json")
    if path.stem.removeprefix("api-") not in (*CALLS, "errors")
)


def later_cases() -> list[Any]:
    return [pytest.param(case, id=case.name) for family in LATER for case in load(family)]


@pytest.mark.parametrize("case", later_cases())
def test_call_that_comes_later(case: Case) -> None:
    pytest.skip("this call is not part of the client yet")
