"""What Zalo itself writes into a conversation is told from what people say, whoever sent it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packages.zaloweb.tests.wire_items import ALICE, GROUP, OWN, heard, item, media

from zaloweb.events import NOTICES, Event, Message, Notice, Thread, ThreadKind

BANNER, HANDLER = "msginfo.actionlist", "sendBubbleMessage"
VOICE, VIDEO = "voice call, 2 min 5 s", "video call, 1 h"


def banner(title: str = "", **params: object) -> dict[str, Any]:
    return media(params, title=title, action=BANNER)


def call(action: str, **params: object) -> dict[str, Any]:
    return media(params, title=HANDLER, description="Cuộc gọi", action=action)


def ecard(title: str, description: str = "", action_id: str = "", **more: str) -> dict[str, Any]:
    params = {"actions": [{"actionId": action_id, "data": "{}"}], "notifyTxt": f"{title}!"}
    return media(params, title=title, description=description, action="show.profile", **more)


def poll(action: str) -> dict[str, Any]:
    return media({"pollId": 1, "question": "Ăn gì?"}, action=action)


CHANGES = [
    *("update", "invite", "leave", "delete", "reject", "join.v2", "force.leave.v2", "invited.cancel"),
    *("add.admin", "remove.admin", "update.block", "update.setting", "update.topic", "remove.topic", "new"),
]

SAMPLES: list[tuple[str, dict[str, Any], str, str]] = [
    ("webchat", banner("Lan đã bỏ ghim tin nhắn"), "unpinned message", "Lan đã bỏ ghim tin nhắn"),
    (
        "webchat",
        banner(msg={"vi": "%1$s đã ghim"}, actionData={"topic_id": "5"}, highLightsV2=[{"dpn": "Lan"}]),
        "pinned message",
        "Lan đã ghim",
    ),
    ("webchat", banner(msg={"vi": "%1$s và %2$s"}, highLightsV2=[{"dpn": "Lan"}]), "banner", ""),
    (
        "webchat",
        banner("Nhắc hẹn", actions=[{"actionType": "action.open.calendar.event"}]),
        "reminder",
        "Nhắc hẹn",
    ),
    ("webchat", banner("Bạn vừa kết bạn với Lan"), "friend accepted", "Bạn vừa kết bạn với Lan"),
    ("webchat", banner("Hùng đã vào nhóm"), "banner", "Hùng đã vào nhóm"),
    ("chat.todo", banner("Hùng đã vào nhóm"), "banner", "Hùng đã vào nhóm"),
    ("webchat", banner("x") | {"params": "{broken"}, "banner", "x"),
    (
        "webchat",
        media({"highLightsV2": []}, title="Lan đã vào nhóm", action=None),
        "banner",
        "Lan đã vào nhóm",
    ),
    (
        "chat.recommended",
        call("recommened.calltime", duration=125, calltype=0),
        "call",
        "voice call, 2 min 5 s",
    ),
    (
        "chat.recommended",
        call("recommened.calltime", duration="3600", calltype="1"),
        "call",
        "video call, 1 h",
    ),
    ("chat.recommended", call("recommended.calltime"), "call", "call"),
    ("chat.recommended", call("recommened.misscall", isCaller=0, reason=1), "missed call", "missed call"),
    ("chat.recommended", call("recommended.misscall", isCaller=1), "missed call", "no answer"),
    ("chat.recommended", call("recommened.groupcall", type=0), "group call", "group call"),
    ("chat.recommended", call("recommened.receivecall"), "call", "call"),
    ("chat.recommended", call("recommened.call"), "call", "call"),
    ("chat.recommended", call("recommened.rejectcall"), "declined call", "declined call"),
    ("chat.recommended", call("recommened.cancelcall"), "cancelled call", "cancelled call"),
    ("chat.recommended", call("", isCaller=0, calltype=1), "call", "video call"),
    ("chat.other", call("x.misscall"), "missed call", "missed call"),
    ("chat.other", call("x.videocall"), "call", "call"),
    ("webchat", call("x.calltime", duration=5), "call", "call, 5 s"),
    ("chat.ecard", ecard("Lan đã đồng ý kết bạn"), "friend accepted", "Lan đã đồng ý kết bạn"),
    ("chat.ecard", ecard("Chào", href="https://z/ecard_newfriend.png"), "friend accepted", "Chào"),
    ("chat.ecard", ecard("1/2 Sinh nhật của Lan"), "birthday", "1/2 Sinh nhật của Lan!"),
    ("chat.ecard", ecard("⏰ Họp", "9 giờ", "action.open.reminder"), "reminder", "⏰ Họp\n9 giờ"),
    ("chat.ecard", ecard("Quản trị", "", "action.group.open.admintool"), "group card", "Quản trị"),
    ("chat.ecard", ecard("Chúc mừng"), "ecard", "Chúc mừng"),
    ("group.poll", poll("vote"), "poll vote", "voted in: Ăn gì?"),
    ("group.poll", poll("update"), "poll change", "changed the poll: Ăn gì?"),
    ("group.poll", poll("close"), "poll closed", "closed the poll: Ăn gì?"),
    ("group.poll", poll("something"), "poll", "poll: Ăn gì?"),
    ("group.poll", poll("vote") | {"params": None}, "poll vote", "voted in"),
    ("chat.list.action", media(title="Ưu đãi"), "official account", "Ưu đãi"),
    *((f"group.{change}", media(title="đổi"), "group change", "đổi") for change in CHANGES),
    ("chat.reaction", {"rIcon": "/-heart", "rType": 5, "rMsg": []}, "reaction", ""),
    ("chat.msg.update", {"x": 1}, "edited message", ""),
    ("chat.sync.theme", {"themeId": 12, "action": "change"}, "theme change", ""),
    ("chat.sync.other", {"themeId": 12}, "chat change", ""),
    ("chat.inform", media({"msg": {"vi": "Thông báo"}}), "notice", "Thông báo"),
    ("chat.control", {"x": 1}, "control", ""),
    ("control", {"x": 1}, "control", ""),
    ("chat.typing", {"x": 1}, "typing", ""),
    ("chat.seen", {"x": 1}, "seen", ""),
    ("chat.delivered", {"x": 1}, "delivered", ""),
    ("chat.group", {"x": 1}, "group change", ""),
    # Known types with an action that is not: neither title nor description is what somebody typed.
    ("webchat", media(title="x", action="action.new"), "webchat", ""),
    ("chat.recommended", media(title="x", href="h", action="recommened.new"), "chat.recommended", ""),
    ("chat.recommended", media(title="x", action="show.profile"), "chat.recommended", ""),
    ("chat.new", media({"customMsg": {"msg": {"vi": "x"}}}, title="x"), "chat.new", ""),
]
"""Type, content, and what is told of it."""


def notice(event: Event) -> Notice:
    assert isinstance(event, Notice), event
    return event


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize(("msg_type", "content", "kind", "text"), SAMPLES)
def test_every_known_notice(msg_type: str, content: object, kind: str, text: str, group: bool) -> None:
    told = notice(heard(item(content, msg_type), group=group))
    assert (told.kind, told.text) == (kind, text)
    assert told.thread == (Thread(ThreadKind.GROUP, GROUP) if group else Thread(ThreadKind.USER, ALICE))
    assert (told.actor_id, told.msg_id, told.cli_msg_id) == (ALICE, "6800000001001", "1700000000001")
    assert HANDLER not in told.text


@pytest.mark.parametrize(("msg_type", "content", "kind", "text"), SAMPLES)
def test_as_json_text_and_by_the_account_itself_they_are_the_same(
    msg_type: str, content: object, kind: str, text: str
) -> None:
    own = notice(heard(item(content, msg_type, uidFrom="0", idTo=ALICE)))
    assert (own.kind, own.is_self, own.actor_id, own.thread.id) == (kind, True, OWN, ALICE)
    if msg_type != "webchat":
        for written in (json.dumps(content), json.dumps(json.dumps(content))):
            told = notice(heard(item(written, msg_type)))
            assert (told.kind, told.text) == (kind, text)


TOLD_BY_PARAMS = [("webchat", None), ("chat.recommended", "")]
"""Type and action of what is told by nothing but its parameters."""


@pytest.mark.parametrize("params", [None, "", "{broken", [], 5, "null"])
@pytest.mark.parametrize(
    ("msg_type", "content"),
    [
        (msg_type, content)
        for msg_type, content, _, _ in SAMPLES
        if (msg_type, content.get("action")) not in TOLD_BY_PARAMS
    ],
)
def test_broken_parameters_make_no_message_of_a_notice(
    msg_type: str, content: dict[str, Any], params: object
) -> None:
    told = notice(heard(item({**content, "params": params}, msg_type)))
    assert not any(sign in told.text for sign in ("{", "[", HANDLER))


def test_every_row_of_the_table_has_a_sample_and_a_source() -> None:
    assert {row.kind for row in NOTICES} <= {kind for _, _, kind, _ in SAMPLES}
    assert all(row.source[:1] in "ABCD" for row in NOTICES)


@pytest.mark.parametrize("content", [None, 5, True, "chữ", [], [1]])
def test_a_notice_is_told_by_its_type_whatever_it_holds(content: object) -> None:
    for msg_type, kind in (
        ("chat.sync.theme", "theme change"),
        ("chat.ecard", "ecard"),
        ("group.x", "group change"),
        ("control", "control"),
    ):
        assert notice(heard(item(content, msg_type))).kind == kind


@pytest.mark.parametrize(
    ("msg_type", "content", "text"),
    [
        ("webchat", json.dumps(banner("Lan đã ghim")), json.dumps(banner("Lan đã ghim"))),
        ("webchat", media(title="Lan đã ghim tin nhắn", action="rtf"), "Lan đã ghim tin nhắn"),
        ("chat.recommended", media(title="gọi", href="h", action="recommened.link"), "gọi\nh"),
        ("group.poll", poll("create"), "Ăn gì?"),
    ],
)
def test_what_a_person_says_stays_a_message(msg_type: str, content: object, text: str) -> None:
    event = heard(item(content, msg_type))
    assert isinstance(event, Message)
    assert event.text == text
