"""What messages hold, and what a person would read of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packages.zaloweb.tests.wire_items import heard, item, media

from zaloweb.events import (
    Album,
    Card,
    Contact,
    Content,
    File,
    Gif,
    Link,
    Location,
    Message,
    Notice,
    Photo,
    Poll,
    Sticker,
    TextContent,
    Todo,
    Undecodable,
    UnknownContent,
    Video,
    Voice,
)


def said(msg_type: object, content: object, **changes: Any) -> Message:
    event = heard(item(content, msg_type, **changes))
    assert isinstance(event, Message), event
    return event


@pytest.mark.parametrize(
    ("msg_type", "content", "expected", "kind", "text"),
    [
        ("webchat", "chào", TextContent("chào"), "text", "chào"),
        ("webchat", '{"a":1}', TextContent('{"a":1}'), "text", '{"a":1}'),
        (
            "webchat",
            media({"styles": []}, title='{"a":1}\nhai', action="rtf"),
            TextContent('{"a":1}\nhai'),
            "text",
            '{"a":1}\nhai',
        ),
        ("webchat", {"title": "của tôi"}, TextContent("của tôi"), "text", "của tôi"),
        (
            "webchat",
            media(title="đậm", href="https://a.vn"),
            TextContent("đậm\nhttps://a.vn"),
            "text",
            "đậm\nhttps://a.vn",
        ),
        ("webchat", 12, TextContent("12"), "text", "12"),
        (
            "chat.photo",
            media(
                {"hd": "hd.jpg", "width": 1, "height": "2", "group_layout_id": 17}, title="Ảnh", href="a.jpg"
            ),
            Photo("Ảnh", "", "a.jpg", "", "hd.jpg", 1, 2, 0, "17"),
            "photo",
            "Ảnh",
        ),
        ("chat.doodle", media(href="d.jpg"), Photo("", "", "d.jpg", "", "", 0, 0, 0, ""), "drawing", ""),
        (
            "chat.photo.reply",
            {"photoId": 1, "oriUrl": "o.jpg", "thumbUrl": "t.jpg"},
            Photo("", "", "o.jpg", "t.jpg", "", 0, 0, 0, ""),
            "photo",
            "",
        ),
        ("chat.gif", media({"width": 3, "height": 4}, href="g"), Gif("", "", "g", "", 3, 4), "gif", ""),
        (
            "chat.video.msg",
            media({"duration": 5500, "video_width": 720, "video_original_height": 1280}, href="v", thumb="t"),
            Video("", "", "v", "t", 5500, 720, 1280, 0),
            "video",
            "",
        ),
        (
            "chat.voice",
            media({"m4a": "m", "duration": 9}, href="a"),
            Voice("", "", "a", "", "m", 9, 0),
            "voice",
            "",
        ),
        ("chat.sticker", {"id": 23299, "catId": 10425, "type": 7}, Sticker(23299, 10425, 7), "sticker", ""),
        (
            "share.file",
            media(
                {"fileSize": "204800", "checksum": "0cc1", "fileExt": "pdf"}, title="báo cáo.pdf", href="f"
            ),
            File("báo cáo.pdf", "", "f", "", 204800, "0cc1", "pdf"),
            "file",
            "báo cáo.pdf",
        ),
        (
            "chat.recommended",
            media({"mediaTitle": "Bài", "src": "a.vn"}, title="xem", href="h", action="recommened.link"),
            Link("xem", "", "h", "", "Bài", "a.vn"),
            "link",
            "xem\nh",
        ),
        (
            "chat.recommended",
            media(title="xem https://a.vn nhé", href="https://a.vn", action="recommended.link"),
            Link("xem https://a.vn nhé", "", "https://a.vn", "", "", ""),
            "link",
            "xem https://a.vn nhé",
        ),
        ("chat.recommended", media(href="h", action=None), Link("", "", "h", "", "", ""), "link", "h"),
        ("chat.link", media(href="h"), Link("", "", "h", "", "", ""), "link", "h"),
        (
            "chat.recommended",
            media(
                "8200000000000000203", title="Bình", description='{"phone":"0900"}', action="recommened.user"
            ),
            Contact("Bình", '{"phone":"0900"}', "", "", "8200000000000000203", "0900"),
            "contact",
            "Bình\n0900",
        ),
        (
            "chat.recommended",
            media("0", title="Bình", description='{"phone":', action="recommended.user"),
            Contact("Bình", '{"phone":', "", "", "", ""),
            "contact",
            "Bình",
        ),
        (
            "chat.recommended",
            media(title="Bình", description="0900 123 456", action="show.profile"),
            Contact("Bình", "0900 123 456", "", "", "", "0900 123 456"),
            "contact",
            "Bình\n0900 123 456",
        ),
        (
            "chat.location.new",
            media({"latitude": 10.5, "longitude": "106.7"}),
            Location("", "", "", "", 10.5, 106.7),
            "location",
            "10.5, 106.7",
        ),
        (
            "chat.location.new",
            media({"latitude": 1, "longitude": 2}, description="Hồ Gươm", href="h"),
            Location("", "Hồ Gươm", "h", "", 1.0, 2.0),
            "location",
            "Hồ Gươm",
        ),
        (
            "chat.livelocation",
            {"until": 5},
            Location("", "", "", "", 0.0, 0.0, live=True),
            "live location",
            "[live location]",
        ),
        ("chat.todo", media({"item": {"content": "mua sữa"}}), Todo("mua sữa"), "task", "mua sữa"),
        ("chat.todo", media({"customMsg": {"title": "việc"}}), Todo("việc"), "task", "việc"),
        ("chat.todo", {"a": 1}, Todo("[task]"), "task", "[task]"),
        (
            "group.poll",
            media({"pollId": 7, "question": "Ăn gì?"}, action="create"),
            Poll("7", "Ăn gì?"),
            "poll",
            "Ăn gì?",
        ),
        ("group.poll", media("{broken", action="create"), Poll("", ""), "poll", "[poll]"),
        (
            "chat.webcontent",
            media(
                {"pcItem": {"data_url": "p"}, "customMsg": {"msg": {"vi": "[Tài khoản]"}}},
                action="zinstant.bankcard",
            ),
            Card("", "", "p", "", "zinstant.bankcard", "[Tài khoản]"),
            "bank card",
            "[Tài khoản]",
        ),
        (
            "webchat",
            media({"customMsg": {"msg": "[Thẻ]"}}, action="zinstant.bankcard"),
            Card("", "", "", "", "zinstant.bankcard", "[Thẻ]"),
            "bank card",
            "[Thẻ]",
        ),
        (
            "chat.webcontent",
            media(None, action="zinstant.bankcard"),
            Card("", "", "", "", "zinstant.bankcard", ""),
            "bank card",
            "[bank card]",
        ),
        ("chat.webcontent.v2", {"x": 1}, Card("", "", "", "", "", ""), "card", "[card]"),
        ("chat.new", "xin chào", UnknownContent("chat.new", "xin chào", "xin chào"), "chat.new", "xin chào"),
        (
            "chat.new",
            {"text": "xin chào", "title": "không"},
            UnknownContent("chat.new", "xin chào", {"text": "xin chào", "title": "không"}),
            "chat.new",
            "xin chào",
        ),
        (None, media(title="đậm", action="rtf"), TextContent("đậm"), "text", "đậm"),
        (None, {"id": 1, "catId": 2, "type": 3}, Sticker(1, 2, 3), "sticker", ""),
    ],
)
def test_contents_by_their_type(
    msg_type: object, content: object, expected: Content, kind: str, text: str
) -> None:
    message = said(msg_type, content)
    assert message.content == expected
    assert (message.kind, message.text) == (kind, text)


def test_an_object_may_come_as_json_text_where_nobody_types() -> None:
    content = media({"question": "Ăn gì?"}, action="create")
    assert said("group.poll", json.dumps(content)).text == "Ăn gì?"
    assert said("chat.photo", json.dumps(json.dumps(media(title="Ảnh")))).text == "Ảnh"


@pytest.mark.parametrize(
    "content", [{"any": [1]}, media(title="t", description="d"), "[1, 2]", '{"a":', "", 5]
)
def test_an_unknown_kind_in_which_nobody_typed_is_a_notice_without_its_json(content: object) -> None:
    event = heard(item(content, "chat.new"))
    assert isinstance(event, Notice)
    assert (event.kind, event.text) == ("chat.new", "")


@pytest.mark.parametrize(("msg_type", "content"), [("webchat", [1, "hai"]), ("chat.sticker", None), ("", {})])
def test_what_should_hold_something_and_does_not_is_no_message(msg_type: str, content: object) -> None:
    assert not isinstance(heard(item(content, msg_type)), Message)


@pytest.mark.parametrize("msg_type", ["chat.photo", "chat.video.msg"])
@pytest.mark.parametrize(
    ("params", "extra", "album"),
    [
        ({"group_layout_id": 1756, "total_item_in_group": 4}, None, Album("1756", 4)),
        ({"group_layout_id": "1756", "total_item_in_group": "4"}, None, Album("1756", 4)),
        ({}, {"groupMediaMsg": {"groupLayoutId": "album-1"}}, Album("album-1")),
        ({}, json.dumps({"groupMediaMsg": {"groupLayoutId": 17}}), Album("17")),
        ({"group_layout_id": "5", "total_item_in_group": -1}, "{broken", Album("5")),
        ({"group_layout_id": 0}, {"groupMediaMsg": None}, None),
        ({}, [], None),
    ],
)
def test_an_album_is_told_by_either_mark(
    msg_type: str, params: object, extra: object, album: Album | None
) -> None:
    assert said(msg_type, media(params), extraData=extra).album == album


def test_a_mention_stands_in_the_caption() -> None:
    mentions = [{"uid": "8200000000000000001", "pos": 3, "len": 4, "type": 0}]
    message = said("chat.photo", media(title="👋 @Tôi xem", href="https://a.vn/1.jpg"), mentions=mentions)
    (me,) = message.mentions
    assert message.text[me.start : me.start + me.length] == "@Tôi"


@pytest.mark.parametrize(
    "params", ["{broken", "[]", '"text"', "{}", None, 5, {"width": [], "duration": None}]
)
@pytest.mark.parametrize(
    "msg_type",
    [
        "chat.photo",
        "chat.voice",
        "share.file",
        "chat.location.new",
        "chat.todo",
        "chat.webcontent",
        "chat.gif",
    ],
)
def test_odd_parameters_leave_fields_empty(msg_type: str, params: object) -> None:
    for fields in (media() | {"params": params}, {"params": params, "title": 5, "href": None}):
        event = heard(item(fields, msg_type))
        assert isinstance(event, Message)
        assert "{" not in event.text
        assert not isinstance(event, Undecodable)
