"""The recorded API calls, made with our client against a server that answers as recorded, over TLS.

What is compared: every byte-relevant part of the request (`vector_server`), and what became of the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, replace
from random import Random
from typing import Any

import msgspec
import pytest

from vectors_harness.differences import reason
from vectors_harness.recorded_account import recorded_session
from vectors_harness.recorded_calls import CALLS, send_message
from vectors_harness.vector_server import VectorServer, assert_same_error, playing, said_by_server, sent
from vectors_harness.vectors import Case, fixture, folder
from zaloweb import CipherKey, Connected, InvalidRequest, Sent, Zalo
from zaloweb.calls.account import User
from zaloweb.calls.friends import Onlines
from zaloweb.calls.media import UploadedFile, UploadedImage
from zaloweb.calls.reactions import ReactionIds
from zaloweb.calls.stickers import Suggestions
from zaloweb.directory import HistoryPage
from zaloweb.errors import ApiError, HttpStatusError, NetworkError, ProtocolError, ZaloError


@asynccontextmanager
async def client(case: Case) -> AsyncIterator[Zalo]:
    """Our client, and the recorded server. Leaving holds what was sent against what was recorded."""
    async with playing(case, sent(case)) as server:
        session = recorded_session()
        if "credentials" in case:
            session = replace(session, credentials=replace(session.credentials, **case["credentials"]))
        async with (
            Zalo(session, network=server.network, clock=server.clock, random=Random(1), attempts=1) as zalo,
            listening(case, zalo, server),
        ):
            yield zalo


@asynccontextmanager
async def listening(case: Case, zalo: Zalo, server: VectorServer) -> AsyncIterator[None]:
    """The account's events are taken meanwhile, where the recording has the server announce uploads."""
    if case.family != "ws-events" and not any("ws_event" in one["response"] for one in case["requests"]):
        yield
        return
    async with aclosing(zalo.events()) as events:
        first = asyncio.ensure_future(anext(events))
        server.listener = await server.socket.peer()
        await server.listener.give_key(fixture()["cipher_key"])
        assert isinstance(await first, CipherKey)
        assert isinstance(await anext(events), Connected)
        yield


FAMILIES = sorted(path.stem for path in folder().glob("api-*.json"))
OF_THEIR_OWN = {"api-errors", "api-sendMessage", "api-uploadAttachment", "api-getGroupChatHistory"}


def test_every_recorded_call_is_made() -> None:
    assert {family.removeprefix("api-") for family in FAMILIES} - {"errors"} == CALLS.keys()


@pytest.mark.family(*[family for family in FAMILIES if family not in OF_THEIR_OWN])
async def test_call(case: Case, differs: Callable[[str], None]) -> None:
    async with client(case) as zalo:
        make = CALLS[case["api"]]
        if "error" in case and case["requests"]:
            with pytest.raises(ZaloError) as caught:
                await make(zalo, case["args"])
            assert_error(case, caught.value)
        elif "error" in case:
            await assert_refused(case, zalo, differs)
        else:
            assert_same(await make(zalo, case["args"]), case["result"])


async def assert_refused(case: Case, zalo: Zalo, differs: Callable[[str], None]) -> None:
    """What the reference refuses to send is refused, or cannot even be said in our types."""
    with pytest.raises((InvalidRequest, TypeError)) as caught:
        await CALLS[case["api"]](zalo, case["args"])
    if caught.type is TypeError:
        differs("type")


@pytest.mark.family("api-sendMessage")
async def test_send_message(case: Case) -> None:
    async with client(case) as zalo:
        if "error" in case:
            with pytest.raises(ZaloError) as caught:
                await send_message(zalo, case["args"])
            if case["requests"]:
                assert_error(case, caught.value)
            else:
                assert caught.type is InvalidRequest
        else:
            assert_messages(await send_message(zalo, case["args"]), case["result"])


def assert_messages(made: tuple[Sent | None, list[Sent]], recorded: dict[str, Any]) -> None:
    text, files = made
    told = recorded["message"]
    assert (text and text.msg_id) == (told and str(told["msgId"]))
    assert [one.msg_id for one in files] == [str(one["msgId"]) for one in recorded["attachment"]]


@pytest.mark.family("ws-events", kind="upload")
async def test_upload_that_is_announced(case: Case) -> None:
    async with client(case) as zalo:
        assert_messages(await send_message(zalo, case["args"]), case["result"])


@pytest.mark.family("api-uploadAttachment")
async def test_upload(case: Case) -> None:
    async with client(case) as zalo:
        uploaded = await CALLS["uploadAttachment"](zalo, case["args"])
        for ours, recorded in zip(uploaded, case["result"], strict=True):
            assert_upload(ours, recorded)


def assert_upload(ours: UploadedImage | UploadedFile, recorded: dict[str, Any]) -> None:
    names = {
        "photo_id": "photoId",
        "normal_url": "normalUrl",
        "hd_url": "hdUrl",
        "thumb_url": "thumbUrl",
        "size": "totalSize",
        "file_id": "fileId",
        "url": "fileUrl",
        "name": "fileName",
        "client_id": "clientFileId",
    }
    told = asdict(ours)
    told.pop("extension", None)
    assert {names.get(name, name): value for name, value in told.items()}.items() <= recorded.items()


@pytest.mark.family("api-getGroupChatHistory")
async def test_history(case: Case) -> None:
    async with client(case) as zalo:
        page: HistoryPage = await CALLS["getGroupChatHistory"](zalo, case["args"])
        recorded = case["result"]
        assert page.more == bool(recorded["more"])
        for ours, told in zip(page.items, recorded["groupMsgs"], strict=True):
            data = told["data"]
            assert (ours.thread.id, ours.is_self, ours.msg_id, ours.sender_id, ours.text) == (
                told["threadId"],
                told["isSelf"],
                data["msgId"],
                data["uidFrom"],
                data["content"],
            )


def assert_same(ours: Any, recorded: Any) -> None:
    """Our answer says what the reference's says, as far as it says anything of it."""
    if isinstance(ours, Sent):
        assert ours.msg_id == str(recorded["msgId"])
    elif isinstance(ours, list):
        for one, told in zip(ours, recorded, strict=True):
            assert_same(one, told)
    elif isinstance(ours, User) and "profile" in recorded:
        carries(msgspec.to_builtins(ours), recorded["profile"])
    elif isinstance(ours, msgspec.Struct):
        carries(in_words_of_the_reference(ours), recorded)
    else:
        assert ours == recorded


def in_words_of_the_reference(ours: msgspec.Struct) -> Any:
    """Our answer as the reference gives it back; it takes some answers apart, and we do so on demand."""
    match ours:
        case ReactionIds():
            return {"msgIds": [int(number) for number in ours.ids]}
        case Suggestions():
            return [sticker.id for sticker in ours.stickers]
        case Onlines():
            people = [{"userId": one.id, "status": one.says} for one in ours.onlines]
            return {**msgspec.to_builtins(ours), "onlines": people}
        case _:
            return msgspec.to_builtins(ours)


def carries(ours: Any, recorded: Any) -> None:
    """All that our answer and the recorded one both tell is the same."""
    if isinstance(ours, dict) and isinstance(recorded, dict):
        assert not recorded or ours.keys() & recorded.keys()
        for key in ours.keys() & recorded.keys():
            carries(ours[key], recorded[key])
    elif isinstance(ours, list) and isinstance(recorded, list):
        for one, told in zip(ours, recorded, strict=True):
            carries(one, told)
    else:
        assert ours == recorded


# Answers that are errors


@pytest.mark.family("api-errors")
async def test_error(case: Case) -> None:
    async with client(case) as zalo:
        make = CALLS[case["api"]]
        if "error" in case:
            with pytest.raises(ZaloError) as caught:
                await make(zalo, case["args"])
            assert_error(case, caught.value)
        elif reason(case.name):
            with pytest.raises(ProtocolError):
                await make(zalo, case["args"])
        else:
            await make(zalo, case["args"])
            assert_cookies(case, zalo)


def assert_error(case: Case, error: ZaloError) -> None:
    recorded = case["error"]
    if recorded["type"] == "engine" or any("network_error" in one["response"] for one in case["requests"]):
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
