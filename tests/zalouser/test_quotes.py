"""Quotes: what the gateway keeps of a message is enough for the quote that Zalo wants."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from packages.zaloweb.tests.wire_items import ALICE, SENT_MS, heard, item, media

from clawlane.messages import Inbound
from clawlane_zalouser import mapping
from clawlane_zalouser.quotes import quoted
from zaloweb import events
from zaloweb.calls.quotes import Quoted
from zaloweb.errors import InvalidRequest


def message(
    content: object, msg_type: str = "webchat", *, group: bool = False, **more: object
) -> events.Message:
    event = heard(item(content, msg_type, **more), group=group)
    assert isinstance(event, events.Message)
    return event


def admitted(event: events.Message) -> Inbound:
    return mapping.inbound_of("default", event, SENT_MS)


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize(
    ("content", "msg_type"),
    [
        ("Mấy giờ rồi? 🙂", "webchat"),
        ("chào", "chat.new"),
        (media(title="ghế", href="https://cdn.example/1.jpg"), "chat.photo"),
        (media(title="báo cáo.pdf", href="https://cdn.example/f"), "share.file"),
        (media(href="https://cdn.example/a.aac"), "chat.voice"),
        ({"id": 7, "catId": 1, "type": 7}, "chat.sticker"),
        (media(title="xem", href="https://example.com", action="recommened.link"), "chat.recommended"),
        ({"params": json.dumps({"item": {"content": "mua sữa"}})}, "chat.todo"),
    ],
)
def test_the_quote_is_that_of_the_message_as_it_was_pushed(
    content: object, msg_type: str, group: bool
) -> None:
    event = message(content, msg_type, group=group, ttl=86_400_000, propertyExt={"color": 0, "ext": "{}"})
    assert quoted(admitted(event)) == Quoted.of(event)


def test_what_was_stored_by_an_older_gateway_can_be_quoted_if_it_is_a_text() -> None:
    event = message("chào")
    inbound = admitted(event)
    old = json.loads(inbound.token)
    assert set(old) == {
        "msg_id",
        "cli_msg_id",
        "sender_id",
        "receiver_id",
        "msg_type",
        "st",
        "at",
        "cmd",
        "ts",
    }
    assert quoted(inbound).owner_id == ALICE
    assert quoted(inbound) == Quoted.of(event)


def test_too_large_a_card_and_a_message_without_its_ids_cannot_be_quoted() -> None:
    large = admitted(message(media(title="x" * 9000, href="https://cdn.example/1.jpg"), "chat.photo"))
    assert len(large.token) < 1000
    for inbound, told in ((large, "too much"), (replace(large, token=""), "too little")):
        with pytest.raises(InvalidRequest, match=told):
            quoted(inbound)
