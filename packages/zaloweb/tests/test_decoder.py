"""From frames to events: one bad thing costs its neighbours nothing, and no bytes make the decoder fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zaloweb.events import (
    CipherKey,
    Decoder,
    Delivered,
    Duplicate,
    Event,
    FriendEvent,
    FriendEventKind,
    GroupEvent,
    GroupEventKind,
    Message,
    OldMessages,
    OldReactions,
    Pong,
    Reaction,
    Seen,
    Thread,
    ThreadKind,
    Typing,
    Undecodable,
    Undo,
    UnknownEvent,
    UnreadCleared,
)
from zaloweb.wire.cipher import seal_event
from zaloweb.wire.frames import Cmd, Frame, pack

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
OWN, ALICE, GROUP = "8200000000000000001", "8200000000000000102", "9100000000000000401"
KEY = b"sixteen bytes ok"
SECRET = "bí mật"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


def frame(cmd: int, data: Any, *, sub: int = 0, version: int = 1, encrypt: int = 2) -> bytes:
    """A frame as the server pushes it; `data` is the payload, or its exact text."""
    text = data if isinstance(data, bytes) else json.dumps({"error_code": 0, "data": data}).encode()
    body = {"error_code": 0, "encrypt": encrypt, "data": seal_event(text, encrypt, KEY)}
    return pack(Frame(version, cmd, sub, json.dumps(body).encode()))


def message(text: object = "xin chào", **changes: Any) -> dict[str, Any]:
    """A message from Alice, as it stands on the wire."""
    item = {"msgId": "6800000001001", "cliMsgId": "1700000000001", "msgType": "webchat", "content": text}
    parties = {"uidFrom": ALICE, "idTo": OWN, "dName": "Ánh", "ts": "1700000000123", "ttl": 0}
    return {**item, **parties, **changes}


def decoded(data: bytes) -> list[Event]:
    return Decoder(OWN, KEY).decode(data)


def only(data: bytes) -> Event:
    (event,) = decoded(data)
    return event


class TestBadInput:
    @unhurried
    @given(
        st.binary()
        | st.builds(lambda cmd, body: pack(Frame(1, cmd, 0, body)), st.sampled_from(Cmd), st.binary())
    )
    def test_no_bytes_make_it_fail(self, data: bytes) -> None:
        for event in decoded(data):
            repr(event)

    @unhurried
    @given(st.sampled_from(Cmd), st.sampled_from([0, 1]), JSON)
    def test_no_payload_makes_it_fail(self, cmd: Cmd, sub: int, data: Any) -> None:
        for event in decoded(frame(cmd, data, sub=sub)):
            repr(event)

    @unhurried
    @given(
        st.sampled_from(
            [
                "msgs",
                "groupMsgs",
                "controls",
                "actions",
                "delivereds",
                "seens",
                "groupSeens",
                "reacts",
                "reactGroups",
            ]
        ),
        st.sampled_from(Cmd),
        st.lists(
            JSON | st.builds(lambda inside: {"content": inside, "uidFrom": "0", "idTo": 1, "msgId": 2}, JSON)
        ),
    )
    def test_no_item_makes_it_fail(self, name: str, cmd: Cmd, items: list[Any]) -> None:
        for event in decoded(frame(cmd, {name: items})) + decoded(frame(cmd, {name: items}, sub=1)):
            repr(event)
            repr(getattr(event, "raw", None))

    @unhurried
    @given(st.lists(JSON, min_size=1, max_size=4), st.data())
    def test_a_bad_item_costs_its_neighbours_nothing(self, bad: list[Any], data: st.DataObject) -> None:
        good = [message(f"tin {number}", msgId=str(number)) for number in range(4)]
        items = data.draw(st.permutations([*good, *bad]))
        texts = [item["content"] for item in items if item in good]
        events = decoded(frame(501, {"msgs": items}))
        assert [event.text for event in events if isinstance(event, Message)] == texts
        assert sum(isinstance(event, Undecodable) for event in events) == len(bad)

    def test_a_bad_item_stands_in_its_place(self) -> None:
        before, bad, after = decoded(
            frame(501, {"msgs": [message("một"), {"uidFrom": SECRET}, message("hai")]})
        )
        assert isinstance(before, Message)
        assert isinstance(bad, Undecodable)
        assert isinstance(after, Message)
        assert (bad.cmd, json.loads(bad.raw)) == (501, {"uidFrom": SECRET})
        assert SECRET not in repr(bad)

    def test_an_item_nested_without_end_costs_its_neighbours_nothing(self) -> None:
        bottomless = "[" * 5000 + "]" * 5000
        items = [
            json.dumps(message("một")),
            bottomless,
            '{"content":' + bottomless + "}",
            json.dumps(message("hai")),
        ]
        text = '{"data":{"msgs":[' + ",".join(items) + "]}}"
        first, *bad, last = decoded(frame(501, text.encode()))
        assert isinstance(first, Message)
        assert [type(event) for event in bad] == [Undecodable, Undecodable]
        assert isinstance(last, Message)
        assert (first.text, last.text) == ("một", "hai")

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"\x01\xf5", "shorter than its header"),
            (pack(Frame(1, 501, 0, b"{oops")), "not JSON"),
            (pack(Frame(1, 501, 0, b"[]")), "object"),
            (frame(501, {"msgs": []})[:-40], "not JSON"),
            (frame(501, b"not json"), "not JSON"),
            (frame(501, {"groupMsgs": []}), "missing"),
            (frame(501, {"msgs": {}}), "array"),
            (pack(Frame(1, 501, 0, b'{"data":"","encrypt":4}')), "encrypt is 4"),
            (pack(Frame(1, 1, 1, b'{"key":"c2hvcnQ="}')), "5 bytes"),
            (frame(501, b"[" * 5000 + b"]" * 5000), "object"),
        ],
    )
    def test_a_frame_that_cannot_be_read_says_why(self, data: bytes, reason: str) -> None:
        event = only(data)
        assert isinstance(event, Undecodable)
        assert reason in event.reason
        assert event.raw == data

    def test_another_key_is_told_without_showing_it(self) -> None:
        other = Decoder(OWN, b"quite another ke")
        (event,) = other.decode(frame(501, {"msgs": [message(SECRET)]}))
        assert isinstance(event, Undecodable)
        assert "tag" in event.reason
        assert SECRET not in repr(event)

    def test_broken_utf8_and_half_an_emoji_become_replacement_characters(self) -> None:
        whole = json.dumps(
            {"data": {"msgs": [message("cũ"), message("HALF"), message("mới")]}}, ensure_ascii=False
        )
        half = whole.replace("HALF", "a\\ud83d").encode()
        broken = whole.encode().replace(b"HALF", b"a\xff")
        for text in (half, broken):
            assert [event.text for event in decoded(frame(501, text))] == ["cũ", "a\ufffd", "mới"]  # type: ignore[union-attr]


class TestKeys:
    def test_the_key_of_the_connection_opens_what_follows(self) -> None:
        decoder = Decoder(OWN)
        sealed = frame(501, {"msgs": [message()]})
        (early,) = decoder.decode(sealed)
        assert isinstance(early, Undecodable)
        assert "before the connection's key" in early.reason
        (came,) = decoder.decode(pack(Frame(1, 1, 1, b'{"key":"c2l4dGVlbiBieXRlcyBvaw=="}')))
        assert came == CipherKey(KEY)
        assert decoder.key == KEY
        assert isinstance(decoder.decode(sealed)[0], Message)

    def test_a_key_is_never_shown(self) -> None:
        assert repr(CipherKey(KEY)) == "CipherKey(128 bits)"

    def test_a_new_connection_starts_without_a_key(self) -> None:
        decoder = Decoder(OWN, KEY)
        decoder.key = None
        assert isinstance(decoder.decode(frame(501, {"msgs": []}))[0], Undecodable)


class TestMessages:
    def test_a_message_from_somebody(self) -> None:
        event = only(frame(501, {"msgs": [message()]}))
        assert isinstance(event, Message)
        assert event.thread == Thread(ThreadKind.USER, ALICE)
        assert (event.sender_id, event.sender_name, event.is_self) == (ALICE, "Ánh", False)
        assert (event.msg_id, event.cli_msg_id, event.sent_ms) == (
            "6800000001001",
            "1700000000001",
            1700000000123,
        )
        assert event.text == "xin chào"

    def test_zero_is_the_account_itself(self) -> None:
        own = only(frame(501, {"msgs": [message(uidFrom="0", idTo=ALICE)]}))
        to_group = only(frame(521, {"groupMsgs": [message(uidFrom=0, idTo=GROUP)]}))
        assert isinstance(own, Message)
        assert isinstance(to_group, Message)
        assert (own.is_self, own.sender_id, own.thread.id) == (True, OWN, ALICE)
        assert (to_group.is_self, to_group.sender_id) == (True, OWN)
        assert to_group.thread == Thread(ThreadKind.GROUP, GROUP)

    def test_ids_may_be_numbers_of_any_length_and_stay_exact(self) -> None:
        item = message(uidFrom=int(ALICE), msgId=9007199254740993, unknown=12345678901234567890123)
        event = only(frame(501, {"msgs": [item]}))
        assert isinstance(event, Message)
        assert (event.sender_id, event.msg_id) == (ALICE, "9007199254740993")
        assert event.raw["unknown"] == 12345678901234567890123

    def test_command_551_brings_messages_like_501(self) -> None:
        assert decoded(frame(551, {"msgs": [message()]})) == decoded(frame(501, {"msgs": [message()]}))

    def test_mentions_count_code_points(self) -> None:
        mentions = [
            {"uid": OWN, "pos": 3, "len": 4, "type": 0},
            {"uid": "-1", "pos": 8, "len": 4000, "type": 1},
        ]
        event = only(frame(521, {"groupMsgs": [message("👋 @Tôi @All", idTo=GROUP, mentions=mentions)]}))
        assert isinstance(event, Message)
        me, everyone = event.mentions
        assert event.text[me.start : me.start + me.length] == "@Tôi"
        assert event.text[everyone.start : everyone.start + everyone.length] == "@All"
        assert (me.everyone, everyone.everyone) == (False, True)

    def test_a_quote_names_the_message_it_answers(self) -> None:
        quote = {
            "ownerId": int(OWN),
            "globalMsgId": 6799999999001,
            "cliMsgId": 1,
            "msg": "đi không?",
            "ts": 5,
        }
        event = only(frame(501, {"msgs": [message(quote=quote)]}))
        assert isinstance(event, Message)
        assert event.quote is not None
        assert (event.quote.owner_id, event.quote.msg_id) == (OWN, "6799999999001")
        assert event.quote.text == "đi không?"

    def test_what_only_serves_to_show_something_may_be_of_any_type(self) -> None:
        event = only(frame(501, {"msgs": [message(dName=None, ts={}, ttl="x", mentions="?", quote=[1])]}))
        assert isinstance(event, Message)
        assert (event.sender_name, event.sent_ms, event.ttl_ms, event.mentions, event.quote) == (
            "",
            0,
            0,
            (),
            None,
        )

    def test_an_undo_names_the_recalled_message(self) -> None:
        content = {"globalMsgId": 6800000001001, "cliMsgId": "1700000000001", "deleteMsg": 1}
        event = only(frame(501, {"msgs": [message(content, msgType="chat.undo", msgId="77")]}))
        assert isinstance(event, Undo)
        assert (event.msg_id, event.cli_msg_id, event.actor_id) == ("6800000001001", "1700000000001", ALICE)

    def test_old_messages_keep_their_order_and_the_good_ones(self) -> None:
        items = [message("hai"), {}, message("một", uidFrom="0", idTo=ALICE)]
        bad, old = decoded(frame(510, {"msgs": items}, sub=1))
        assert isinstance(bad, Undecodable)
        assert isinstance(old, OldMessages)
        assert [item.is_self for item in old.items] == [False, True]

    def test_no_old_messages_is_an_answer_too(self) -> None:
        assert decoded(frame(511, {"groupMsgs": []}, sub=1)) == [OldMessages(ThreadKind.GROUP, ())]
        assert decoded(frame(610, {"reacts": []}, sub=1)) == [OldReactions(ThreadKind.USER, ())]


class TestOtherEvents:
    def test_a_reaction_names_what_it_is_to(self) -> None:
        content = json.dumps({"rMsg": [{"gMsgID": "1", "cMsgID": 2}], "rIcon": "", "rType": -1})
        item = {"uidFrom": ALICE, "idTo": OWN, "content": content, "ts": "3"}
        event = only(frame(612, {"reacts": [item]}))
        assert isinstance(event, Reaction)
        assert event.removed
        assert [(target.msg_id, target.cli_msg_id) for target in event.targets] == [("1", "2")]

    def test_typing_in_a_group(self) -> None:
        data = f'"uid":"{ALICE}","gid":"{GROUP}","ts":"7","isPC":1'
        action = {"act_type": "typing", "act": "gtyping", "data": data}
        event = only(frame(602, {"actions": [action]}))
        assert event == Typing(Thread(ThreadKind.GROUP, GROUP), ALICE, True, 7)

    def test_received_and_seen(self) -> None:
        delivered = {"msgId": 1, "deliveredUids": [ALICE], "groupId": GROUP}
        seen = {"msgId": "1", "groupId": GROUP, "seenUids": [ALICE, OWN]}
        first, second = decoded(frame(522, {"delivereds": [delivered], "groupSeens": [seen]}))
        assert isinstance(first, Delivered)
        assert isinstance(second, Seen)
        assert (first.user_ids, first.is_self) == ((ALICE,), False)
        assert (second.user_ids, second.is_self) == ((ALICE, OWN), True)

    def test_read_on_another_device(self) -> None:
        items = [{"idTo": ALICE, "lastMsgId": 5, "isGroup": False}, {"idTo": GROUP, "isGroup": 1}]
        assert decoded(frame(524, {"clearUnreads": items})) == [
            UnreadCleared(Thread(ThreadKind.USER, ALICE), "5"),
            UnreadCleared(Thread(ThreadKind.GROUP, GROUP), ""),
        ]

    def test_a_rename_of_a_group(self) -> None:
        data = json.dumps({"groupId": GROUP, "sourceId": OWN, "groupName": "Tên mới", "updateMembers": []})
        event = only(
            frame(601, {"controls": [{"content": {"act_type": "group", "act": "update", "data": data}}]})
        )
        assert isinstance(event, GroupEvent)
        assert (event.kind, event.is_self) == (GroupEventKind.UPDATE, True)
        assert event.data["groupName"] == "Tên mới"

    def test_a_friend_request_names_the_person_who_asks(self) -> None:
        data = {"fromUid": ALICE, "toUid": OWN, "message": "kết bạn nhé"}
        event = only(
            frame(601, {"controls": [{"content": {"act_type": "fr", "act": "req_v2", "data": data}}]})
        )
        assert isinstance(event, FriendEvent)
        assert (event.kind, event.user_id, event.is_self) == (FriendEventKind.REQUEST, ALICE, False)

    def test_repeats_are_left_out(self) -> None:
        repeats = [{"content": {"act_type": "group", "act": "join_reject", "data": "{}"}}]
        repeats += [{"content": {"act_type": "fr", "act": "req", "data": "{}"}}]
        assert decoded(frame(601, {"controls": repeats})) == []

    def test_news_have_a_name_of_their_own(self) -> None:
        control = only(frame(601, {"controls": [{"content": {"act_type": "syncmsgmb", "act": "x"}}]}))
        command = only(frame(621, {"x": 1}))
        later = only(frame(501, {"msgs": []}, version=2))
        assert isinstance(control, UnknownEvent)
        assert isinstance(command, UnknownEvent)
        assert isinstance(later, UnknownEvent)
        assert (control.cmd, control.kind) == (601, "syncmsgmb")
        assert (command.cmd, json.loads(command.body)["data"]) == (621, {"x": 1})
        assert later.kind == "version 2"

    def test_another_web_client_took_over(self) -> None:
        assert decoded(pack(Frame(1, 3000, 0, b"{}"))) == [Duplicate()]

    def test_the_answer_to_a_ping(self) -> None:
        assert decoded(pack(Frame(1, 2, 1, b"{}"))) == [Pong()]
        assert decoded(pack(Frame(1, 2, 1))) == [Pong()]

    def test_an_empty_frame_tells_nothing(self) -> None:
        assert decoded(pack(Frame(1, 501, 0))) == []
