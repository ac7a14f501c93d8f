"""Who is told that a program answers, and how often; who is shown seen. All over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import all_sent, listening
from end_to_end.test_precedence import Account

pytestmark = pytest.mark.long
FIRST = {"disclosure": "first", "disclosureText": "Máy trả lời."}
TOLD = "Máy trả lời.\n\n"
LONG = "Chữ nghĩa. " * 440 + "hết"
"""More than two messages hold."""


def assert_told_once(here: Account, told: str) -> None:
    """A long answer leaves in several messages, and only the first one tells."""
    parts = [here.sent_to(here.lan)]
    while not parts[-1].endswith("hết"):
        parts.append(here.sent_to(here.lan))
    assert len(parts) >= 3
    assert parts[0].startswith(told)
    assert [told in one for one in parts] == [True] + [False] * (len(parts) - 1)


@pytest.fixture
def here(recording: Gateway, linked: Operator, zalo: Simulator, state: Path) -> Account:
    return Account(linked, zalo, recording, state)


def test_the_first_answer_tells_that_a_program_writes_and_only_the_first(here: Account) -> None:
    here.start(**FIRST)
    here.ask(LONG)
    assert_told_once(here, "Máy trả lời.")
    here.crash()
    here.ask("hai")
    assert here.sent_to(here.lan) == "echo: hai"
    here.does("forget", "--person", here.lan)
    here.ask("ba")
    assert here.sent_to(here.lan) == "echo: ba", "who was told stays told"
    here.edit(disclosure="prefix", disclosureText="[Máy]")
    for text in ("bốn", "năm"):
        here.ask(text)
        assert here.sent_to(here.lan) == f"[Máy] echo: {text}"
    here.ask(LONG)
    assert_told_once(here, "[Máy]")


def test_two_drafts_tell_once_and_one_that_is_dropped_told_nobody(here: Account) -> None:
    here.start(outbound="approve", **FIRST)
    here.ask("một")
    here.ask("hai")
    first, second = here.draft(), here.draft()
    here.does("drafts", "drop", first)
    here.crash()
    here.ask("ba")
    third = here.draft()
    here.does("drafts", "approve", second, third, "--stale-ok")
    assert [here.sent_to(here.lan) for _ in range(2)] == [f"{TOLD}echo: hai", "echo: ba"]


@pytest.mark.parametrize(
    ("mode", "told"), [("first", TOLD), ("prefix", "Máy trả lời. ")], ids=["first", "prefix"]
)
def test_an_edited_draft_still_tells_in_its_first_message_only(here: Account, mode: str, told: str) -> None:
    here.start(outbound="approve", disclosure=mode, disclosureText="Máy trả lời.")
    here.ask("một")
    number = here.draft()
    here.does("drafts", "edit", number, "--text", LONG)
    here.crash()
    here.does("drafts", "approve", number)
    assert_told_once(here, "Máy trả lời.")
    here.ask("hai")
    here.does("drafts", "approve", here.draft())
    assert here.sent_to(here.lan) == ("" if mode == "first" else told) + "echo: hai"
    here.does("forget", "--person", here.lan)
    here.ask("ba")
    here.drafts = 1
    here.does("drafts", "approve", here.draft())
    assert here.sent_to(here.lan) == ("" if mode == "first" else told) + "echo: ba"


@pytest.mark.parametrize("ends", ["dropped", "expired", "off"])
def test_on_reply_shows_seen_with_an_answer_and_never_without(here: Account, ends: str) -> None:
    here.start(outbound="off" if ends == "off" else "approve", acks="on-reply")
    unanswered = here.ask("một")
    if ends == "off":
        here.gateway.said("outbound_off")
    else:
        number = here.draft()
    if ends == "dropped":
        here.does("drafts", "drop", number)
    elif ends == "expired":
        here.edit(outbound="approve", acks="on-reply", drafts={"expire": "1ms"})
        here.ask("hai")
        here.draft()
    assert all_sent(here.zalo) == []
    assert "seen" not in {one["kind"] for one in here.zalo.since(0)}, here.why(unanswered)
    here.gateway.kill()
    here.configure(acks="on-reply")
    listening(here.gateway)
    here.passed_by()
    assert here.zalo.wait("seen")["thread_id"] == here.hung
    shown = [one["thread_id"] for one in here.zalo.since(0) if one["kind"] == "seen"]
    assert shown == [here.hung]
