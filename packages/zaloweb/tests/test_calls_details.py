"""Details of calls that the recordings do not show: odd answers, odd ids, edges of time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaloweb import (
    ICONS,
    Icon,
    InvalidRequest,
    Marked,
    Mention,
    Message,
    ProtocolError,
    Quoted,
    Style,
    Text,
    TextStyle,
    Thread,
    ThreadKind,
    Urgency,
    VideoLink,
    icon_of,
    seconds_until_morning,
)
from zaloweb.calls import forward, friends, groups, links, reactions, receipts
from zaloweb.calls.groups import GroupVersions, MemberProfiles
from zaloweb.calls.links import Preview
from zaloweb.calls.reactions import ReactionIds
from zaloweb.events import Decoder, Target
from zaloweb.media.attachments import Attachment, Kind
from zaloweb.wire.frames import request
from zaloweb.wire.multipart import Form, Part, escaped
from zaloweb.wire.urls import encode

LAN = Thread(ThreadKind.USER, "8200000000000000102")
TEAM = Thread(ThreadKind.GROUP, "9100000000000000401")
HOUR_MS = 3_600_000
EIGHT_IN_HANOI = 1_700_010_000_000


# Long texts


@given(
    st.text(st.sampled_from("ab ớ\n.👍🏽"), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(1, 4)), max_size=4),
    st.integers(8, 20),
)
def test_pieces_are_the_message_again(text: str, spans: list[tuple[int, int]], limit: int) -> None:
    inside = [(start, length) for start, length in spans if start + length <= len(text)]
    mentions = [Mention(f"1{start}", start, length) for start, length in inside]
    styles = [Style(start, length, TextStyle.BOLD) for start, length in inside]
    pieces = Text(text, mentions, styles, urgency=Urgency.URGENT, ttl_ms=5).pieces(limit)
    assert "".join(piece.text for piece in pieces) == text
    assert {(piece.urgency, piece.ttl_ms) for piece in pieces} == {(Urgency.URGENT, 5)}
    mentioned = [words for piece in pieces for words in marked(piece.text, piece.mentions)]
    styled = [words for piece in pieces for words in marked(piece.text, piece.styles or ())]
    assert sorted("".join(mentioned)) == sorted("".join(styled)) == sorted("".join(marked(text, styles)))


def marked(text: str, marks: Sequence[Mention | Style]) -> list[str]:
    """The words that stand at these places."""
    return [text[mark.start : mark.start + mark.length] for mark in marks]


def test_a_short_text_stays_as_it_is_and_only_the_first_piece_answers() -> None:
    quote = Quoted("1", "2", "3", "1700000000000", content="hỏi")
    assert Text("đáp", quote=quote).pieces() == [Text("đáp", [], quote=quote)]
    assert [piece.quote for piece in Text("một hai ba", quote=quote).pieces(4)] == [quote, None, None]


# Reactions


def test_every_icon_has_a_code_and_a_number_of_its_own() -> None:
    assert len({icon.code for icon in ICONS.values()}) == len(ICONS) == 54
    assert len({icon.number for icon in ICONS.values()}) == len(ICONS)
    assert all(icon_of(icon.code) is icon for icon in ICONS.values())


def test_an_unknown_icon_goes_out_with_the_number_of_none() -> None:
    assert icon_of("🥰") == Icon("🥰", -1, 6)


def test_ids_of_any_length_stay_exact_numbers() -> None:
    call = reactions.react(LAN, Target("18446744073709551617", "1"), ICONS["HEART"], client_id=1, imei="x")
    assert '"gMsgID":18446744073709551617,' in json.dumps(call.params).replace("\\", "")


@pytest.mark.parametrize("msg_id", ["", "abc", "-1", "٣", "1.5"])
def test_a_reaction_to_no_message_is_refused(msg_id: str) -> None:
    with pytest.raises(InvalidRequest, match="needs both ids"):
        reactions.react(LAN, Target(msg_id, "1"), ICONS["HEART"], client_id=1, imei="x")


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (b'{"msgIds":"[1,18446744073709551617]"}', ("1", "18446744073709551617")),
        (b'{"msgIds":["7"]}', ("7",)),
        (b'{"msgIds":"no list"}', ()),
        (b"{}", ()),
    ],
)
def test_the_ids_of_reactions_are_read_from_a_list_or_a_text(answer: bytes, ids: tuple[str, ...]) -> None:
    assert msgspec.json.decode(answer, type=ReactionIds).ids == ids


# Marks


def received(cmd: int, /, **item: object) -> Message:
    """A message as the decoder of account 77 makes it of a pushed item."""
    lists = {"groupMsgs" if cmd == 521 else "msgs": [item]}
    [message] = Decoder("77").decode(request(cmd, 0, {"encrypt": 0, "data": json.dumps({"data": lists})}))
    assert isinstance(message, Message)
    return message


def items(call: Any) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(call.params["msgInfos"])["data"]
    return told


def test_a_received_message_is_marked_with_what_it_came_with() -> None:
    wire = {
        "msgId": "6",
        "cliMsgId": "1",
        "content": "ok",
        "msgType": "webchat",
        "ts": "17",
        "st": 3,
        "cmd": 501,
    }
    message = received(501, uidFrom="102", idTo="0", **wire)
    call = receipts.seen(ThreadKind.USER, [Marked.of(message)], own_id="77", imei="x")
    assert items(call) == [
        {
            "cmi": "1",
            "gmi": "6",
            "si": "102",
            "di": "0",
            "mt": "webchat",
            "st": 0,
            "at": -1,
            "cmd": 0,
            "ts": 0,
        }
    ]


def test_a_message_of_a_group_is_marked_in_that_group() -> None:
    message = received(521, uidFrom="102", idTo="401", msgId="6", content="ok")
    call = receipts.delivered(ThreadKind.GROUP, [Marked.of(message)], own_id="77", imei="x", seen=True)
    assert json.loads(str((call.params or {})["msgInfos"]))["grid"] == "401"
    assert items(call)[0]["di"] == "401"


def test_no_message_cannot_be_marked() -> None:
    with pytest.raises(InvalidRequest, match="between 1 and 50"):
        receipts.seen(ThreadKind.USER, [], own_id="77", imei="x")


# Links, videos, forwarding


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "https://a.vn"),
        (" \n", "https://a.vn"),
        ("xem nè", "xem nè https://a.vn"),
        ("xem https://a.vn nhé", "xem https://a.vn nhé"),
    ],
)
def test_a_link_stands_in_its_message_once(text: str, message: str) -> None:
    call = links.send_link(LAN, "https://a.vn", Preview(), text=text, ttl_ms=0, client_id=1, imei="x")
    assert (call.params or {})["msg"] == message


def test_a_video_needs_a_picture() -> None:
    with pytest.raises(InvalidRequest, match="picture"):
        VideoLink("https://a.vn/v.mp4", "")


@pytest.mark.parametrize("threads", [[], [LAN, TEAM]])
def test_a_text_is_forwarded_to_people_or_to_groups(threads: list[Thread]) -> None:
    with pytest.raises(InvalidRequest, match="to people or to groups"):
        forward.forward(threads, "chào", None, ttl_ms=0, client_id=1, imei="x")


# People and groups


def test_ids_of_profiles_lose_the_version_behind_them() -> None:
    told = b'{"changed_profiles":{"102_0":{"userId":"102","displayName":"Lan"}}}'
    assert {
        key: user.name for key, user in msgspec.json.decode(told, type=friends.Profiles).users.items()
    } == {"102": "Lan"}
    told = b'{"profiles":{"102_5":{"id":"102","zaloName":"Lan"}}}'
    assert list(msgspec.json.decode(told, type=MemberProfiles).members) == ["102"]


def test_details_of_a_person_may_be_of_any_type() -> None:
    told = b'[{"userId":1,"gender":"1","isBlocked":true,"sdob":0,"lastActionTime":"17"},{"userId":"2"}]'
    call = friends.all_friends("x")
    assert [user.id for user in msgspec.json.decode(told, type=call.answer)] == ["1", "2"]


def test_a_history_may_come_as_a_text() -> None:
    assert groups.opened('{"more":1,"groupMsgs":[{}]}').more == 1
    with pytest.raises(ProtocolError):
        groups.opened("no history")
    assert isinstance(groups.all_groups().answer(), GroupVersions)


# Time


@pytest.mark.parametrize(
    ("now_ms", "seconds"),
    [
        (EIGHT_IN_HANOI, 86_400),
        (EIGHT_IN_HANOI - 1, 1),
        (EIGHT_IN_HANOI - HOUR_MS, 3600),
        (EIGHT_IN_HANOI + HOUR_MS, 23 * 3600),
    ],
)
def test_the_morning_comes_at_eight_in_vietnam(now_ms: int, seconds: int) -> None:
    assert seconds_until_morning(now_ms) == seconds


# Files


@pytest.mark.parametrize(
    ("name", "extension", "kind"),
    [
        ("ảnh.JPG", "JPG", Kind.IMAGE),
        ("a.b.webp", "webp", Kind.IMAGE),
        ("phim.mp4", "mp4", Kind.VIDEO),
        ("vui.GIF", "GIF", Kind.GIF),
        (".ẩn", "", Kind.OTHER),
        ("không-đuôi", "", Kind.OTHER),
        ("thư.mục/con", "", Kind.OTHER),
    ],
)
def test_a_file_is_taken_for_what_its_name_ends_in(name: str, extension: str, kind: Kind) -> None:
    attachment = Attachment(b"x", name)
    assert (attachment.extension, attachment.kind) == (extension, kind)


def test_the_bytes_of_a_file_are_not_shown() -> None:
    assert "secret" not in repr(Attachment(b"secret", "a.txt"))


def test_a_name_cannot_break_out_of_its_header() -> None:
    assert escaped('a"\r\nX-Evil: 1\r\n') == "a%22%0D%0AX-Evil: 1%0D%0A"


async def test_a_form_says_how_long_it_is() -> None:
    class Content:
        size = 3

        async def blocks(self) -> Any:
            yield b"a"
            yield b"bc"

    form = Form(Part("file", "ảnh.png", Content()), Random(1))
    assert len(b"".join([block async for block in form.blocks()])) == form.size


def test_a_query_is_encoded_as_a_browser_does() -> None:
    assert encode([("q", "a b~*-._+/=é")]) == "q=a+b%7E*-._%2B%2F%3D%C3%A9"
