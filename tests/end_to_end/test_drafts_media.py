"""Drafts with pictures, and drafts whose messages are taken back, with real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.model_server import ModelServer, served
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import asked, listening, nothing_is_on_its_way
from end_to_end.test_drafts import drafted
from end_to_end.test_recall import until
from end_to_end.test_reply_media import Lane, png

APPROVE = "outbound: 'approve',"
pytestmark = pytest.mark.long


class Desk(Lane):
    """The same lane; what the agent answers waits for its owner."""

    seen = 0

    def draft(self) -> str:
        """The number of the next draft since the start."""
        self.seen += 1
        return drafted(self.gateway, self.seen)

    def crash(self) -> None:
        """Kill the gateway with -9, and start it again."""
        self.gateway.kill()
        self.seen = 0
        listening(self.gateway)

    def does(self, *words: str) -> str:
        done = self.operator.run(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def drafts(self) -> list[int]:
        return [one["number"] for one in asked(self.operator, "drafts", "list")["drafts"]]


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with served() as server:
        yield server


@pytest.fixture
def desk(linked: Operator, zalo: Simulator, gateway: Gateway, state: Path, model: ModelServer) -> Desk:
    return Desk(linked, zalo, gateway, state, model)


def test_a_picture_waits_with_its_draft_over_a_kill_and_leaves_once(desk: Desk) -> None:
    desk.start(APPROVE)
    desk.ask(f"đây ạ\n{desk.put('a.png', png())}")
    number = desk.draft()
    shown = asked(desk.operator, "drafts", "show", number)
    assert "a.png" in json.dumps(shown)
    desk.crash()
    assert (desk.drafts(), len(desk.kept()), desk.all_sent()) == ([int(number)], 1, [])
    desk.does("pause")
    desk.does("drafts", "approve", number)
    desk.crash()
    desk.does("resume")
    sent = desk.sent()
    assert (sent["msg_type"], sent["text"], sent["size"]) == ("chat.photo", "đây ạ", len(png()))
    until(lambda: desk.kept() == [])
    desk.crash()
    assert desk.all_sent() == [("chat.photo", "đây ạ")]


def test_edited_words_go_with_the_picture_of_their_draft(desk: Desk) -> None:
    desk.start(APPROVE)
    desk.ask(f"đây ạ\n{desk.put('a.png', png())}")
    number = desk.draft()
    desk.does("drafts", "edit", number, "--text", "của anh đây")
    desk.crash()
    desk.does("drafts", "approve", number)
    sent = desk.sent()
    assert (sent["msg_type"], sent["text"], sent["size"]) == ("chat.photo", "của anh đây", len(png()))
    until(lambda: desk.kept() == [])


def test_the_picture_of_a_dropped_draft_is_gone(desk: Desk) -> None:
    desk.start(APPROVE)
    desk.ask(f"đây ạ\n{desk.put('a.png', png())}")
    number = desk.draft()
    assert len(desk.kept()) == 1
    desk.does("drafts", "drop", number)
    until(lambda: desk.kept() == [])
    desk.crash()
    assert (desk.drafts(), desk.kept(), desk.all_sent()) == ([], [], [])


@pytest.mark.parametrize("kills", [False, True])
def test_a_draft_ends_with_the_message_that_it_answers(desk: Desk, kills: bool) -> None:
    desk.start(APPROVE)
    message = desk.ask(f"đây ạ\n{desk.put('a.png', png())}")
    number = desk.draft()
    if kills:
        desk.crash()
    desk.zalo.do("/undo", **{"from": desk.lan}, message=message)
    until(lambda: desk.drafts() == [])
    refused = desk.operator.run("drafts", "approve", number)
    assert refused.returncode == 1
    until(lambda: desk.kept() == [])
    assert desk.all_sent() == []


def test_what_an_approved_draft_sent_is_taken_back(desk: Desk) -> None:
    desk.start(APPROVE)
    desk.ask(f"đây ạ\n{desk.put('a.png', png())}")
    desk.does("drafts", "approve", desk.draft())
    sent = desk.sent()
    nothing_is_on_its_way(desk.operator)
    desk.crash()
    assert "Taken back: 1 of 1." in desk.does("sent", "--recall", "--yes", "--thread", "Lan")
    assert desk.zalo.wait("undone")["msg_id"] == sent["msg_id"]
