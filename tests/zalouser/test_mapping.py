"""What the gateway is told of an event of a Zalo account."""

from __future__ import annotations

from typing import Any

import pytest
from packages.zaloweb.tests.wire_items import ALICE, BOB, GROUP, OWN, SENT_MS, heard, item, media

from clawlane.messages import (
    Album,
    Attachment,
    Deleted,
    Inbound,
    Notice,
    Own,
    Quote,
    Thread,
    ThreadKind,
    Undone,
    Unreadable,
)
from clawlane_zalouser import mapping
from zaloweb import events

NOW_MS = SENT_MS + 1000
DM, TEAM = Thread(ThreadKind.DM, ALICE), Thread(ThreadKind.GROUP, GROUP)


def inbound(content: object, msg_type: str = "webchat", **changes: Any) -> Inbound:
    event = heard(item(content, msg_type, **changes))
    assert isinstance(event, events.Message)
    return mapping.inbound_of("a", event, NOW_MS)


def facts(content: object, msg_type: str, *, group: bool = False, **changes: Any) -> list[object]:
    event = heard(item(content, msg_type, **changes), group=group)
    assert isinstance(event, events.Message | events.Undo | events.Deletion | events.Notice)
    return [*mapping.facts_of("a", event, NOW_MS)]


def test_a_picture_is_its_caption_with_the_picture_attached() -> None:
    params = {"group_layout_id": 17, "total_item_in_group": 3}
    told = inbound(media(params, title="ghế", href="https://cdn.example/1.jpg"), "chat.photo")
    assert (told.text, told.kind, told.client_id) == ("ghế", "photo", "1700000000001")
    assert told.attachments == (Attachment("photo", "ghế", "https://cdn.example/1.jpg"),)
    assert told.album == Album("17", 3)


@pytest.mark.parametrize(
    ("content", "msg_type", "text", "attachments"),
    [
        ("chào", "webchat", "chào", ()),
        ("chào", "chat.new", "chào", (Attachment("chat.new"),)),
        (
            {"id": 7, "catId": 1, "type": 1},
            "chat.sticker",
            "",
            (Attachment("sticker", "", "https://zalo-api.zadn.vn/api/emoticon/sticker/webpc?eid=7"),),
        ),
        (
            media({"question": "Ăn gì?"}, action="create"),
            "group.poll",
            "Ăn gì?",
            (Attachment("poll", "Ăn gì?"),),
        ),
    ],
)
def test_text_and_attachment_by_kind(
    content: object, msg_type: str, text: str, attachments: tuple[Attachment, ...]
) -> None:
    told = inbound(content, msg_type)
    assert (told.text, told.attachments) == (text, attachments)


def test_a_quote_keeps_its_client_id_and_the_picture() -> None:
    attach = media(title="ghế", href="https://cdn.example/1.jpg")
    quote = {"ownerId": "0", "globalMsgId": 0, "cliMsgId": 6, "cliMsgType": 32, "msg": "", "attach": attach}
    photo = Attachment("photo", "ghế", "https://cdn.example/1.jpg")
    assert inbound("bao nhiêu?", quote=quote).quote == Quote("", OWN, "ghế", "6", photo)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (str(SENT_MS), SENT_MS),
        (SENT_MS // 1000, SENT_MS // 1000 * 1000),
        (NOW_MS + 86_400_000, NOW_MS + 86_400_000),
        (NOW_MS + 86_400_001, 0),
        (None, 0),
    ],
)
def test_a_time_too_far_ahead_is_unknown(written: object, read: int) -> None:
    assert inbound("chào", ts=written).sent_ms == read
    (notice,) = facts({"x": 1}, "chat.sync.theme", ts=written)
    assert isinstance(notice, Notice)
    assert notice.sent_ms == read


def test_what_the_account_said_is_its_own_by_the_client_id() -> None:
    ids = ("a", "6800000001001", "1700000000001")
    assert facts("ừ", "webchat", uidFrom="0", idTo=ALICE) == [Own(*ids, DM, "ừ", SENT_MS)]


def test_a_notice_is_a_fact() -> None:
    call = media({"duration": 5}, title="sendBubbleMessage", action="recommened.calltime")
    ids = {"message_id": "6800000001001", "client_id": "1700000000001"}
    told = Notice("a", DM, kind="call", text="call, 5 s", sent_ms=SENT_MS, actor_id=ALICE, **ids)  # type: ignore[arg-type]
    assert facts(call, "chat.recommended") == [told]


def test_a_recall_keeps_both_ids() -> None:
    recall = {"deleteMsg": 1, "globalMsgId": 0, "cliMsgId": 6}
    assert facts(recall, "chat.undo") == [Undone("a", DM, "", ALICE, "6")]


def test_a_deletion_is_a_fact_for_each_of_its_messages() -> None:
    first = {
        "type": 3,
        "uidFrom": BOB,
        "uidTo": GROUP,
        "destId": GROUP,
        "globalDelMsgId": 5,
        "clientDelMsgId": 6,
    }
    second = {**first, "type": 4, "uidFrom": "0", "globalDelMsgId": 0}
    assert facts([first, second], "chat.delete", group=True) == [
        Deleted("a", TEAM, "5", BOB, "6"),
        Deleted("a", TEAM, "", OWN, "6", whole_thread=True),
    ]


def test_what_cannot_be_read_says_what_it_is_without_its_content() -> None:
    bad = heard(item("bí mật", uidFrom=None), group=True)
    assert isinstance(bad, events.Undecodable)
    reason = "a message without a sender"
    assert mapping.unreadable_of("a", bad) == Unreadable("a", reason, "webchat", TEAM, "6800000001001")
    assert mapping.unreadable_of("a", events.Undecodable("not JSON", 501, b"")).kind == "command 501"
