"""What a message answers to: words, or the kind, caption and address of what is no words."""

from __future__ import annotations

import json

import pytest
from packages.zaloweb.tests.wire_items import ALICE, OWN, heard, item, media

from zaloweb.events import Message, Quote, QuotedContent


def quote(wire: object) -> Quote | None:
    event = heard(item("cái này?", quote=wire))
    assert isinstance(event, Message)
    return event.quote


def quoted(number: object, attach: object, **more: object) -> Quote:
    told = {
        "ownerId": ALICE,
        "globalMsgId": 5,
        "cliMsgId": 6,
        "cliMsgType": number,
        "msg": "",
        "attach": attach,
    }
    found = quote({**told, **more})
    assert found is not None
    return found


CHAIR = media(title="ghế", href="https://cdn.example/ghe.jpg")
STICKER = "https://zalo-api.zadn.vn/api/emoticon/sticker/webpc?eid="


@pytest.mark.parametrize(
    ("number", "attach", "kind", "text", "url"),
    [
        (32, CHAIR, "photo", "ghế", CHAIR["href"]),
        ("32", CHAIR, "photo", "ghế", CHAIR["href"]),
        (32, {"title": "ghế", "oriUrl": "o", "normalUrl": "n"}, "photo", "ghế", "o"),
        (32, {"title": "ghế", "href": None, "thumbUrl": "t"}, "photo", "ghế", "t"),
        (37, CHAIR, "drawing", "ghế", CHAIR["href"]),
        (44, CHAIR, "video", "ghế", CHAIR["href"]),
        (50, CHAIR, "video", "ghế", CHAIR["href"]),
        (31, media(href="a.aac"), "voice", "", "a.aac"),
        (49, media(href="g.gif"), "gif", "", "g.gif"),
        (46, media(title="báo cáo.pdf", href="f"), "file", "báo cáo.pdf", "f"),
        (36, {"id": 7, "catId": 1, "type": 7}, "sticker", "", f"{STICKER}7"),
        (10, {"id": 7, "catId": 1, "type": 7}, "sticker", "", f"{STICKER}7"),
        (38, media(title="xem", href="h", action="recommened.link"), "link", "xem\nh", "h"),
        (38, media("12", title="Bình", action="recommened.user"), "contact", "Bình", ""),
        (43, media(description="Hồ Gươm"), "location", "Hồ Gươm", ""),
        (59, {}, "live location", "[live location]", ""),
        (
            52,
            media({"customMsg": {"msg": {"vi": "Thẻ"}}}, action="zinstant.bankcard"),
            "bank card",
            "Thẻ",
            "",
        ),
        (48, media(title="Họp"), "ecard", "Họp", ""),
        (42, media(title="Ưu đãi"), "official account", "Ưu đãi", ""),
        (
            38,
            media(title="sendBubbleMessage", action="recommened.misscall"),
            "missed call",
            "missed call",
            "",
        ),
        (0, CHAIR, "card", "ghế", CHAIR["href"]),
        (None, {"id": 7, "catId": 1}, "sticker", "", f"{STICKER}7"),
    ],
)
def test_what_was_quoted_keeps_kind_caption_and_address(
    number: object, attach: dict[str, object], kind: str, text: str, url: str
) -> None:
    for written in (json.dumps(attach), attach, json.dumps(json.dumps(attach))):
        found = quoted(number, written)
        assert found.quoted == QuotedContent(kind, text, url)
        assert found.text == text


@pytest.mark.parametrize("attach", ["", None, "{broken", "[]", 5, "null"])
def test_of_an_attachment_that_cannot_be_read_the_kind_is_known(attach: object) -> None:
    assert quoted(32, attach).quoted == QuotedContent("photo")
    assert quoted(1, attach, msg="đi không?").quoted is None
    assert quoted(1, attach, msg="đi không?").text == "đi không?"


def test_a_bare_address_will_do() -> None:
    assert quoted(32, "https://cdn.example/1.jpg").quoted == QuotedContent(
        "photo", "", "https://cdn.example/1.jpg"
    )


def test_the_looks_of_a_text_are_no_attachment() -> None:
    looks = json.dumps({"properties": {"color": 0, "size": 0, "type": 0, "subType": 0, "ext": ""}})
    assert quoted(1, looks, msg="chào").quoted is None


def test_words_come_before_the_caption() -> None:
    assert quoted(32, json.dumps(CHAIR), msg="cái ghế").text == "cái ghế"
    assert quoted(32, json.dumps(CHAIR), msg={"x": 1}).text == "ghế"


@pytest.mark.parametrize("unknown", [0, "0", "", None])
def test_unknown_ids_are_empty_and_zero_is_the_account(unknown: object) -> None:
    found = quoted(1, "", globalMsgId=unknown, ownerId=0, cliMsgId=2**60)
    assert (found.msg_id, found.cli_msg_id, found.owner_id) == ("", str(2**60), OWN)


def test_of_a_list_the_first_counts_and_none_is_none() -> None:
    found = quote([None, {"ownerId": "0", "msg": "một"}, {"msg": "hai"}])
    assert found is not None
    assert (found.text, found.owner_id) == ("một", OWN)
    for nothing in ([], {}, "", "x", 5, [None]):
        assert quote(nothing) is None
