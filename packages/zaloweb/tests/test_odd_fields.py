"""Fields that are missing, null or of another type: what can be read without them is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packages.zaloweb.tests.wire_items import (
    ALICE,
    GROUP,
    KEY,
    OWN,
    SENT_MS,
    frame,
    heard,
    item,
    media,
)

from zaloweb.events import (
    Decoder,
    Delivered,
    Event,
    FriendEvent,
    GroupEvent,
    Message,
    Notice,
    Seen,
    Thread,
    ThreadKind,
    Typing,
    Undecodable,
    UnreadCleared,
)
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import Frame, pack

DROP = object()
ODD: list[Any] = [DROP, None, "", 0, -1, 1.5, True, [], [1], {}, {"a": 1}, "chữ", 10**30, "9" * 40]


def changed(name: str, value: object) -> dict[str, Any]:
    told = item("xin chào", mentions=[], quote=None, extraData="{}") | {name: value}
    return {key: one for key, one in told.items() if one is not DROP}


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "name",
    [
        "msgId",
        "cliMsgId",
        "dName",
        "ts",
        "ttl",
        "mentions",
        "quote",
        "extraData",
        "reference",
        "propertyExt",
        "status",
    ],
)
def test_no_optional_field_costs_the_message(name: str, value: object, group: bool) -> None:
    event = heard(changed(name, value), group=group)
    assert isinstance(event, Message)
    assert (event.text, event.sender_id) == ("xin chào", ALICE)


@pytest.mark.parametrize("value", [DROP, None, "", 0, [], {}, 1.5])
def test_a_text_without_a_readable_type_is_a_text(value: object) -> None:
    event = heard(changed("msgType", value))
    assert isinstance(event, Message)
    assert event.text == "xin chào"


@pytest.mark.parametrize("value", ODD)
def test_whom_a_direct_message_is_for_need_not_be_said(value: object) -> None:
    event = heard(changed("idTo", value))
    assert isinstance(event, Message)
    assert event.thread == Thread(ThreadKind.USER, ALICE)


@pytest.mark.parametrize("value", [DROP, None, "", [], {}, True])
def test_a_message_by_nobody_says_so_and_what_it_is(value: object) -> None:
    bad = heard(changed("uidFrom", value), group=True)
    assert isinstance(bad, Undecodable)
    assert bad.reason == "a message without a sender"
    assert (bad.thread, bad.msg_id, bad.msg_type) == (
        Thread(ThreadKind.GROUP, GROUP),
        "6800000001001",
        "webchat",
    )
    assert "xin chào" not in repr(bad)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (str(SENT_MS), SENT_MS),
        (SENT_MS, SENT_MS),
        (1_700_000_000, 1_700_000_000_000),
        ("1700000000", 1_700_000_000_000),
        (1_700_000_000.5, 1_700_000_000_000),
        (4_000_000_000_000, 4_000_000_000_000),
        *(
            (odd, 0)
            for odd in (0, "0", -1, -SENT_MS, "", "chữ", None, True, [], {}, 5, 10**15, 2**64, "9" * 50)
        ),
    ],
)
def test_a_time_that_cannot_be_right_is_unknown(written: object, read: int) -> None:
    event = heard(item("xin chào", ts=written))
    assert isinstance(event, Message)
    assert event.sent_ms == read


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 5000, "1" + "0" * 400])
@pytest.mark.parametrize("name", ["ts", "ttl", "msgId", "cliMsgId", "unknown"])
def test_a_number_without_end_is_as_if_it_were_missing(number: str, name: str) -> None:
    told = json.dumps({"data": {"msgs": [item("1e400", **{name: "NUMBER"}), item("hai")]}})
    text = told.replace('"NUMBER"', number).encode()
    body = {"encrypt": 2, "data": seal_event(text, 2, KEY)}
    events = Decoder(OWN, KEY).decode(pack(Frame(1, 501, 0, json.dumps(body).encode())))
    assert [event.text for event in events if isinstance(event, Message)] == ["1e400", "hai"]


@pytest.mark.parametrize("value", [None, {}, [], "x", 5])
def test_another_list_of_a_frame_may_be_anything(value: object) -> None:
    data = {"msgs": [item("xin chào")], "seens": value, "controls": value, "more": value}
    (event,) = Decoder(OWN, KEY).decode(frame(501, data))
    assert isinstance(event, Message)


def test_a_notice_and_a_picture_bear_odd_fields_too() -> None:
    odd = {"uidFrom": None, "msgId": None, "cliMsgId": {}, "ts": None, "dName": 5}
    told = heard(item({"themeId": 1}, "chat.sync.theme", **odd), group=True)
    assert isinstance(told, Notice)
    assert (told.actor_id, told.msg_id, told.cli_msg_id, told.sent_ms) == ("", "", "", 0)
    picture = heard(item(media(title="Ảnh"), "chat.photo", **{**odd, "uidFrom": ALICE}))
    assert isinstance(picture, Message)
    assert picture.text == "Ảnh"


QUOTE = {"ownerId": int(ALICE), "globalMsgId": 5, "cliMsgId": 6, "cliMsgType": 1, "msg": "đi?", "ts": SENT_MS}


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", [*QUOTE, "attach", "fromD", "ttl"])
def test_an_odd_field_of_a_quote_costs_neither(name: str, value: object) -> None:
    told = {key: one for key, one in {**QUOTE, name: value}.items() if one is not DROP}
    event = heard(item("ừ", quote=told))
    assert isinstance(event, Message)
    assert event.quote is not None


def only(cmd: int, data: object) -> Event:
    (event,) = Decoder(OWN, KEY).decode(frame(cmd, data))
    return event


@pytest.mark.parametrize("value", [DROP, None, "", [], {}, 5])
def test_marks_and_controls_bear_odd_optional_fields(value: object) -> None:
    def without(told: dict[str, Any], *names: str) -> dict[str, Any]:
        odd = told | dict.fromkeys(names, value)
        return {key: one for key, one in odd.items() if one is not DROP}

    delivered = without({"msgId": "1", "deliveredUids": [ALICE]}, "msgId", "seenUids", "groupId", "mSTs")
    assert isinstance(only(502, {"delivereds": [delivered]}), Delivered)
    in_group = without({"groupId": GROUP}, "msgId", "deliveredUids", "seenUids", "mSTs")
    assert isinstance(only(522, {"delivereds": [in_group]}), Delivered)
    assert isinstance(only(502, {"seens": [without({"idTo": ALICE}, "msgId", "seenUids")]}), Seen)
    assert isinstance(
        only(524, {"clearUnreads": [without({"idTo": ALICE}, "lastMsgId", "isGroup")]}), UnreadCleared
    )
    data = json.dumps(without({"uid": ALICE}, "gid", "ts", "isPC"))[1:-1]
    assert isinstance(only(602, {"actions": [{"act_type": "typing", "act": "typing", "data": data}]}), Typing)
    group = without({"act_type": "group", "data": {"groupId": GROUP}}, "act", "fileId")
    assert isinstance(only(601, {"controls": [{"content": group}]}), GroupEvent)
    friend = without({"act_type": "fr", "data": ALICE}, "act", "fileId")
    assert isinstance(only(601, {"controls": [{"content": friend}]}), FriendEvent)
