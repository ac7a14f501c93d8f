"""What a stranger's message leads to."""

from __future__ import annotations

import random

import pytest

from clawlane.access.decision import Outcome, Reason
from clawlane.access.pairing import (
    ALPHABET,
    Approach,
    Requests,
    answer,
    challenge_text,
    new_code,
    normalise_code,
    outcome,
)
from clawlane.config.policy import PairingReply

CODE, FRIENDS_SILENT, SILENT = PairingReply.CODE, PairingReply.FRIENDS_SILENT, PairingReply.SILENT
LIVE = Approach(live=True, friend=False)
FIRST = Requests(own_texted=None, others=0, texts=0)


@pytest.mark.parametrize(
    ("reply", "approach", "requests", "reason"),
    [
        (CODE, LIVE, FIRST, Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(None, others=2, texts=9), Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(True, others=0, texts=1), Reason.DM_PAIRING_PENDING),
        (SILENT, LIVE, FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Approach(True, friend=True), FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Approach(True, friend=None), FIRST, Reason.DM_PAIRING_SILENT),
        (FRIENDS_SILENT, Approach(True, friend=False), FIRST, Reason.DM_PAIRING_REQUIRED),
        (CODE, Approach(False, False), FIRST, Reason.DM_PAIRING_HELD),
        (CODE, LIVE, Requests(None, others=0, texts=10), Reason.DM_PAIRING_HELD),
        (CODE, LIVE, Requests(False, others=2, texts=0), Reason.DM_PAIRING_REQUIRED),
        (CODE, LIVE, Requests(None, others=3, texts=0), Reason.DM_PAIRING_FULL),
        (SILENT, LIVE, Requests(None, others=3, texts=0), Reason.DM_PAIRING_FULL),
    ],
)
def test_a_request(reply: PairingReply, approach: Approach, requests: Requests, reason: Reason) -> None:
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


def test_the_challenge_says_what_the_owner_has_to_type() -> None:
    text = challenge_text("zalouser", "1471383327500481391", "ABCD2345")
    assert "1471383327500481391" in text
    assert "openclaw pairing approve zalouser ABCD2345" in text
    assert not set("`*_#") & set(text)
