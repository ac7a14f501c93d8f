"""What messages hold, and what a person would read of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zaloweb.events import (
    Card,
    Contact,
    Content,
    File,
    Gif,
    Link,
    Location,
    Photo,
    Poll,
    Sticker,
    TextContent,
    Todo,
    UnknownContent,
    Video,
    Voice,
)
from zaloweb.events.content_reader import read_content


def media(params: object = "", **fields: str) -> dict[str, Any]:
    """An object content as it stands on the wire."""
    inside = params if isinstance(params, str) else json.dumps(params)
    empty = {"title": "", "description": "", "href": "", "thumb": "", "action": ""}
    return {**empty, "childnumber": 0, "type": "", "params": inside, **fields}


@pytest.mark.parametrize(
    ("msg_type", "content", "expected", "text"),
    [
        ("webchat", "chào", TextContent("chào"), "chào"),
        (
            "webchat",
            media(title="đậm", href="https://a.vn"),
            TextContent("đậm\nhttps://a.vn"),
            "đậm\nhttps://a.vn",
        ),
        (
            "chat.photo",
            media(
                {"hd": "hd.jpg", "width": 1, "height": "2", "group_layout_id": 17}, title="Ảnh", href="a.jpg"
            ),
            Photo("Ảnh", "", "a.jpg", "", "hd.jpg", 1, 2, 0, "17"),
            "Ảnh\na.jpg",
        ),
        ("chat.doodle", media(href="d.jpg"), Photo("", "", "d.jpg", "", "", 0, 0, 0, ""), "d.jpg"),
        ("chat.gif", media({"width": 3, "height": 4}, href="g"), Gif("", "", "g", "", 3, 4), "g"),
        (
            "chat.video.msg",
            media({"duration": 5500, "video_width": 720, "video_original_height": 1280}, href="v", thumb="t"),
            Video("", "", "v", "t", 5500, 720, 1280, 0),
            "v",
        ),
        ("chat.voice", media({"m4a": "m", "duration": 9}, href="a"), Voice("", "", "a", "", "m", 9, 0), "a"),
        ("chat.sticker", {"id": 23299, "catId": 10425, "type": 7}, Sticker(23299, 10425, 7), ""),
        (
            "share.file",
            media(
                {"fileSize": "204800", "checksum": "0cc1", "fileExt": "pdf"}, title="báo cáo.pdf", href="f"
            ),
            File("báo cáo.pdf", "", "f", "", 204800, "0cc1", "pdf"),
            "báo cáo.pdf\nf",
        ),
        (
            "chat.recommended",
            media({"mediaTitle": "Bài", "src": "a.vn"}, title="xem", href="h", action="recommened.link"),
            Link("xem", "", "h", "", "Bài", "a.vn"),
            "xem\nh",
        ),
        ("chat.link", media(href="h"), Link("", "", "h", "", "", ""), "h"),
        (
            "chat.recommended",
            media(
                "8200000000000000203", title="Bình", description='{"phone":"0900"}', action="recommened.user"
            ),
            Contact("Bình", '{"phone":"0900"}', "", "", "8200000000000000203", "0900"),
            "Bình\n0900",
        ),
        (
            "chat.recommended",
            media(title="Cuộc gọi nhỡ", action="recommened.misscall"),
            Card("Cuộc gọi nhỡ", "", "", "", "recommened.misscall"),
            "Cuộc gọi nhỡ",
        ),
        (
            "chat.location.new",
            media({"latitude": 10.5, "longitude": "106.7"}),
            Location("", "", "", "", 10.5, 106.7),
            "10.5, 106.7",
        ),
        ("chat.todo", media({"item": {"content": "mua sữa"}}), Todo("mua sữa"), "mua sữa"),
        ("group.poll", {"title": "Ăn gì?", "pollId": 1}, Poll({"title": "Ăn gì?", "pollId": 1}), "Ăn gì?"),
        ("chat.ecard", media(title="Chúc mừng"), Card("Chúc mừng", "", "", "", ""), "Chúc mừng"),
        ("chat.new", {"any": [1]}, UnknownContent({"any": [1]}), '{"any":[1]}'),
        ("webchat", [1, "hai"], UnknownContent([1, "hai"]), '[1,"hai"]'),
    ],
)
def test_contents_by_their_type(msg_type: str, content: object, expected: Content, text: str) -> None:
    read = read_content(msg_type, content)
    assert read == expected
    assert read.text == text


def test_pictures_of_one_album_share_its_id() -> None:
    extra = json.dumps({"groupMediaMsg": {"groupLayoutId": "album-1"}})
    read = read_content("chat.photo", media(href="a.jpg"), extra)
    assert isinstance(read, Photo)
    assert read.album_id == "album-1"


@pytest.mark.parametrize(
    "params", ["{broken", "[]", '"text"', "{}", json.dumps({"width": [], "duration": None})]
)
@pytest.mark.parametrize(
    "msg_type", ["chat.photo", "chat.voice", "share.file", "chat.location.new", "chat.todo"]
)
def test_odd_parameters_leave_fields_empty(msg_type: str, params: str) -> None:
    read_content(msg_type, media(params))
    read_content(msg_type, {"params": params, "title": 5, "href": None})
