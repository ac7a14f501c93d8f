"""What a stranger's message leads to."""

from __future__ import annotations

import random

import pytest

from clawlane.access.decision import Outcome, Reason
from clawlane.access.pairing import (
    ALPHABET,
    Contact,
    Requests,
    answer,
    built_in_text,
    challenge_text,
    new_code,
    normalise_code,
    outcome,
    skeleton,
)
from clawlane.config.choices import PairingReply

CODE, FRIENDS_SILENT, SILENT = PairingReply.CODE, PairingReply.FRIENDS_SILENT, PairingReply.SILENT
LIVE = Contact(live=True, friend=False)
FIRST = Requests(own_texted=None, strangers=0, texts=0)


@pytest.mark.parametrize(
    ("reply", "approach", "requests", "reason"),
    [
        (CODE, LIVE, FIRST, Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(None, strangers=2, texts=9), Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(True, strangers=0, texts=1), Reason.DM_PAIRING_PENDING),
        (SILENT, LIVE, FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Contact(True, friend=True), FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Contact(True, friend=None), FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Contact(True, friend=False), FIRST, Reason.DM_PAIRING_REQUIRED),
        (CODE, Contact(False, False), FIRST, Reason.DM_PAIRING_HELD),
        (CODE, LIVE, Requests(None, strangers=0, texts=10), Reason.DM_PAIRING_HELD),
        (CODE, LIVE, Requests(False, strangers=2, texts=0), Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(None, strangers=3, texts=0), Reason.DM_PAIRING_FULL),
        (SILENT, LIVE, Requests(None, strangers=3, texts=0), Reason.DM_PAIRING_FULL),
    ],
)
def test_a_request(reply: PairingReply, approach: Contact, requests: Requests, reason: Reason) -> None:
    assert answer(reply, approach, requests) is reason


def test_only_a_full_queue_drops() -> None:
    assert outcome(Reason.DM_PAIRING_FULL) is Outcome.DROP
    assert outcome(Reason.DM_PAIRING_HELD) is Outcome.CHALLENGE


def test_a_code_has_eight_characters_that_nobody_confuses() -> None:
    code = new_code(random.Random(1).choice)
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("IO01")
    assert normalise_code(f" {code.lower()}\n") == code


@pytest.mark.parametrize(
    ("friend", "requests", "reason"),
    [
        (True, Requests(None, strangers=3, texts=0), Reason.DM_PAIRING_REQUIRED),
        (None, Requests(None, strangers=3, texts=0, known_friend=True), Reason.DM_PAIRING_REQUIRED),
        (None, Requests(None, strangers=3, texts=0), Reason.DM_PAIRING_FULL),
        (False, Requests(None, strangers=3, texts=0, lapsed=1), Reason.DM_PAIRING_REQUIRED),
        (False, Requests(None, strangers=3, texts=0, lapsed=1, own_lapsed=True), Reason.DM_PAIRING_FULL),
        (False, Requests(None, strangers=2, texts=0, own_lapsed=True), Reason.DM_PAIRING_REQUIRED),
        (True, Requests(None, strangers=0, texts=0, rejected=True), Reason.DM_REJECTED),
        (False, Requests(True, strangers=3, texts=9, rejected=True), Reason.DM_REJECTED),
    ],
)
def test_who_gets_a_place(friend: bool | None, requests: Requests, reason: Reason) -> None:
    assert answer(CODE, Contact(True, friend), requests) is reason


@pytest.mark.parametrize(
    ("language", "vietnamese", "english"),
    [
        ("vi", True, False),
        ("vi-VN", True, False),
        ("EN", False, True),
        ("en_US", False, True),
        ("", True, True),
        ("fr", True, True),
    ],
)
def test_the_built_in_text_is_in_the_language_of_the_account(
    language: str, vietnamese: bool, english: bool
) -> None:
    text = challenge_text(built_in_text(language), "zalouser", "1471383327500481391", "ABCD2345")
    assert "1471383327500481391" in text
    assert "ABCD2345" in text
    assert ("Mã ghép nối" in text, "pairing code" in text) == (vietnamese, english)
    assert "openclaw" not in text
    assert not set("`*_#{}") & set(text)


def test_a_text_of_the_config_is_filled_in_once() -> None:
    text = challenge_text("{id}: {code} {code} } {", "zalouser", "1", "ABCD2345")
    assert text == "1: ABCD2345 ABCD2345 } {"
    assert (
        challenge_text("{command}", "zalouser", "1", "ABCD2345")
        == "openclaw pairing approve zalouser ABCD2345"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Trần Thị Lan", "tran thi lan", True),
        ("Trần Thị Lan", "TRẦN  THỊ-LAN.", True),
        ("Trần Thị Lan", "Trần Thị\u200bLan 🌸", True),
        ("Đặng Lan", "Dang Lan", True),
        ("Lan", "𝐋𝐚𝐧", True),
        ("陳蘭", "陳蘭", True),
        ("🌸", "🌸", True),
        ("🌸", "🌼", False),
        ("Lan", "Lan Anh", False),
        ("", "", False),
    ],
)
def test_names_that_people_could_take_for_each_other(one: str, other: str, same: bool) -> None:
    assert (skeleton(one) == skeleton(other) != "") is same
