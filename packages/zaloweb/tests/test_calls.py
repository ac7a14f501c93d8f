"""Calls as values: what is refused before anything is sent, and how answers are read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from zaloweb import (
    EVERYONE,
    Group,
    InvalidRequest,
    Mention,
    Quoted,
    Sent,
    Style,
    TextStyle,
    Thread,
    ThreadKind,
    Urgency,
)
from zaloweb.calls.account import OwnProfile
from zaloweb.calls.groups import BATCH, GroupVersions, group_info, in_batches
from zaloweb.calls.messages import SentAnswer, Text, send_text
from zaloweb.events import Decoder, Message
from zaloweb.wire.frames import request

LAN = Thread(ThreadKind.USER, "8200000000000000102")
TEAM = Thread(ThreadKind.GROUP, "9100000000000000401")
FAMILY = "👩‍👩‍👧‍👦"  # seven code points, eleven UTF-16 units


def params(thread: Thread, text: Text) -> dict[str, Any]:
    return dict(send_text(thread, text, client_id=1700000000000, imei="device").params or {})


def test_places_are_given_in_python_indices_and_sent_in_utf16_units() -> None:
    named = Mention("8200000000000000304", len(FAMILY) + 1, 6)
    sent = params(TEAM, Text(f"{FAMILY} @Hương ơi", mentions=[named]))
    assert json.loads(sent["mentionInfo"]) == [{"pos": 12, "uid": "8200000000000000304", "len": 6, "type": 0}]


def test_styles_are_sent_in_utf16_units_too() -> None:
    bold = Style(len(FAMILY) + 1, 3, TextStyle.BOLD)
    sent = params(LAN, Text(f"{FAMILY} nhé", styles=[bold]))
    assert json.loads(sent["textProperties"])["styles"] == [{"start": 12, "len": 3, "st": "b"}]


def test_everyone_can_be_mentioned() -> None:
    sent = params(TEAM, Text("@All họp", mentions=[Mention(EVERYONE, 0, 4)]))
    assert json.loads(sent["mentionInfo"])[0]["type"] == 1


def test_a_mention_in_a_message_to_one_person_is_left_out() -> None:
    assert "mentionInfo" not in params(LAN, Text("@Lan ơi", mentions=[Mention(LAN.id, 0, 4)]))


def test_an_indent_says_how_deep() -> None:
    assert Style(0, 1, TextStyle.INDENT, depth=3).code == "ind_30"


def test_urgency_and_lifetime_are_sent_only_where_they_mean_something() -> None:
    assert "metaData" not in params(LAN, Text("chào"))
    urgent = params(LAN, Text("nhanh", urgency=Urgency.URGENT, ttl_ms=60_000))
    assert (urgent["metaData"], urgent["ttl"]) == ({"urgency": 2}, 60_000)


def test_a_message_that_shows_something_to_others_is_never_repeated() -> None:
    assert not send_text(LAN, Text("chào"), client_id=1, imei="device").safe_to_retry
    assert group_info(["1"]).safe_to_retry


@pytest.mark.parametrize("stretch", [(0, 7), (6, 1), (3, 4)])
def test_a_mention_that_reaches_past_the_text_is_refused(stretch: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest, match=r"mention at .* lies outside a text of 6"):
        Text("@Alice", mentions=[Mention("1", *stretch)])


@pytest.mark.parametrize("stretch", [(-1, 2), (0, 7), (3, -1)])
def test_a_style_outside_the_text_is_refused(stretch: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest, match=r"style at .* lies outside a text of 6"):
        Text("@Alice", styles=[Style(*stretch, TextStyle.BOLD)])


def test_an_empty_text_and_a_thread_without_id_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="needs a text"):
        Text("")
    with pytest.raises(InvalidRequest, match="needs a thread"):
        send_text(Thread(ThreadKind.USER, ""), Text("chào"), client_id=1, imei="device")


@pytest.mark.parametrize(("msg_type", "content"), [("group.poll", {"a": 1}), ("webchat", {"title": "link"})])
def test_what_cannot_be_quoted_is_refused(msg_type: str, content: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="cannot be quoted"):
        Quoted("1", "2", "3", "4", msg_type, content)


@pytest.mark.parametrize("params_text", ["", "{}", "no json", '{"item":5}', '{"item":{"content":7}}'])
def test_a_quoted_task_whose_words_are_unreadable_is_quoted_without_or_as_they_are(params_text: str) -> None:
    quote = Quoted("1", "2", "3", "4", "chat.todo", {"params": params_text})
    assert quote.text in ("", "7")


def test_a_received_message_can_be_quoted_as_it_was_pushed() -> None:
    message = received(
        uidFrom="0",
        idTo="5",
        msgId="6800000000001",
        cliMsgId="17",
        ts="1700000000123",
        msgType="webchat",
        content="ok",
    )
    quote = Quoted.of(message)
    assert quote == Quoted("77", "6800000000001", "17", "1700000000123", "webchat", "ok")


def received(**item: object) -> Message:
    """A message as the decoder of account 77 makes it of a pushed item."""
    body = {"encrypt": 0, "data": json.dumps({"data": {"msgs": [item]}})}
    [message] = Decoder("77").decode(request(501, 0, body))
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("answer", "msg_id"),
    [
        (b'{"msgId":9007199254740993}', "9007199254740993"),
        (b'{"msgId":"18446744073709551617"}', "18446744073709551617"),
        (b'{"msgId":null}', ""),
        (b"{}", ""),
        (b"null", ""),
    ],
)
def test_the_id_of_a_sent_message_is_an_exact_text(answer: bytes, msg_id: str) -> None:
    call = send_text(LAN, Text("chào"), client_id=1, imei="device")
    assert SentAnswer.sent(msgspec.json.decode(answer, type=call.answer)) == Sent(msg_id)


def test_the_own_profile_is_read_in_its_new_and_its_old_shape() -> None:
    new = msgspec.json.decode(b'{"profile":{"userId":77,"displayName":"Minh"}}', type=OwnProfile)
    old = msgspec.json.decode(b'{"userId":"77","zaloName":"Minh"}', type=OwnProfile)
    assert [(user.id, user.name) for user in (new.user, old.user)] == [("77", "Minh")] * 2


def test_members_are_found_wherever_zalo_told_them() -> None:
    told = b'{"groupId":1,"memVerList":["12_3","13_0"],"memberIds":[13,"14"],"currentMems":[{"id":"15"}]}'
    assert msgspec.json.decode(told, type=Group).members() == ("12", "13", "14", "15")


def test_a_group_with_all_lists_missing_has_no_members() -> None:
    assert msgspec.json.decode(b'{"groupId":"1","memVerList":null}', type=Group).members() == ()


def test_groups_are_asked_for_in_portions_each_once() -> None:
    ids = [str(number) for number in range(2 * BATCH + 1)]
    assert [len(batch) for batch in in_batches([*ids, ids[0]])] == [BATCH, BATCH, 1]
    assert list(in_batches([])) == []


def test_group_ids_keep_the_order_of_the_answer() -> None:
    answer = b'{"version":"5","gridVerMap":{"9":1,"7":"2"}}'
    assert msgspec.json.decode(answer, type=GroupVersions).ids == ("9", "7")


def test_a_call_shows_nothing_of_its_parameters() -> None:
    assert "bí mật" not in repr(send_text(LAN, Text("bí mật"), client_id=1, imei="device"))
