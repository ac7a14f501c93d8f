"""What counts as written by Zalo itself: by id or kind of notice, in a direct chat, and never by words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from clawlane_zalouser import mapping
from clawlane_zalouser.platform_senders import KINDS, SENDERS, PlatformSenders
from zaloweb import events
from zaloweb.events.conversation import ThreadKind
from zaloweb.events.messages import read_message

OWN, STRANGER, SECURITY = "8200000000000000001", "8200000000000000007", "8299999999999999999"
WORDS = "Tài khoản của bạn đang sử dụng phần mềm của bên thứ ba trái phép."


def item(sender: str, **more: Any) -> events.Message | events.Notice:
    wire = {"msgId": "7", "cliMsgId": "8", "msgType": "webchat", "uidFrom": sender, "idTo": OWN}
    wire |= {"dName": "Zalo Bảo Mật", "ts": "1700000000000", "content": WORDS, **more}
    kind = ThreadKind.GROUP if more.get("idTo") else ThreadKind.USER
    read = read_message(msgspec.Raw(json.dumps(wire).encode()), kind, OWN)
    assert isinstance(read, events.Message | events.Notice)
    return read


INFORM = {"msgType": "chat.inform", "content": {"title": WORDS}}
REHEARSED = PlatformSenders(rehearsed=True)


def test_the_simulators_id_counts_in_a_rehearsal_only_and_ids_are_added_by_the_operator() -> None:
    assert REHEARSED.wrote(item(SECURITY), None)
    assert not PlatformSenders().wrote(item(SECURITY), None)
    assert PlatformSenders((STRANGER,)).wrote(item(STRANGER), True)


@pytest.mark.parametrize(
    "sender", [SECURITY[:-1], f"{SECURITY}0", f"0{SECURITY}", f" {SECURITY}", f"{SECURITY}_0"]
)
def test_an_id_that_looks_alike_does_not_count(sender: str) -> None:
    assert not REHEARSED.wrote(item(sender), False)


@pytest.mark.parametrize("friend", [True, False, None])
def test_a_person_never_counts_by_name_and_words(friend: bool | None) -> None:
    assert not REHEARSED.wrote(item(STRANGER), friend)
    card = {"content": {"title": WORDS, "action": "msginfo.actionlist", "params": "{}"}}
    assert not REHEARSED.wrote(item(STRANGER, **card), friend)
    typed = {"content": json.dumps({"msgType": "chat.inform", "uidFrom": SECURITY, "title": WORDS})}
    assert not REHEARSED.wrote(item(STRANGER, **typed), friend)


def test_nothing_in_a_group_and_nothing_of_our_own_counts() -> None:
    assert not REHEARSED.wrote(item(SECURITY, idTo="9100000000000000001"), None)
    assert not REHEARSED.wrote(item("0"), None)


def test_a_kind_of_notice_that_only_zalo_sends_counts_from_nobody_who_is_a_friend() -> None:
    notice = item(STRANGER, **INFORM)
    assert isinstance(notice, events.Notice)
    assert PlatformSenders().wrote(notice, False)
    assert not PlatformSenders().wrote(notice, True)
    assert not PlatformSenders().wrote(notice, None)


def test_what_counts_is_a_notice_that_is_a_warning_with_its_words_for_why() -> None:
    told = mapping.warning_of("default", item(SECURITY), 1_700_000_000_000)
    assert told.warning
    assert (told.actor_id, told.message_id, told.text) == (SECURITY, "7", WORDS)


def test_each_row_says_where_it_is_known_from() -> None:
    assert all(row.source for row in (*SENDERS, *KINDS))
