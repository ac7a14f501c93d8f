"""Messages that get stuck, with real processes: what Zalo's side saw, and what the operator can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, all_sent, listening, nothing_is_on_its_way, person, say
from json_shapes import shaped

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { enabled: false },
    resendUnknown: 'RESEND', lookUpGap: '1s',
} } }
"""
LONG = " ".join(f"câu thứ {number}." for number in range(400))
"""More than two messages hold."""


class Lane:
    """A logged-in account that answers everybody, with an echo that fails on what ends in `fail`."""

    def __init__(self, operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self._state = state
        self.lan = person(zalo, "Lan")

    def start(self, resend: str = "never") -> None:
        (self._state / "config.json5").write_text(CONFIG.replace("RESEND", resend))
        listening(self.gateway)

    def say(self, text: str) -> str:
        return say(self.zalo, self.lan, text)

    def trouble(self, does: str, **more: object) -> None:
        self.zalo.do("/fault", does=does, call="send text", **more)

    def answer(self) -> str:
        return str(self.zalo.wait("sent")["text"])

    def answers(self) -> list[str]:
        """All that has arrived so far."""
        return all_sent(self.zalo)

    def json(self, *words: str) -> dict[str, Any]:
        return dict(shaped(json.loads(self.operator.run(*words, "--json").stdout)))

    def status(self) -> dict[str, Any]:
        return account(self.operator)

    def listed(self, *flags: str) -> list[dict[str, Any]]:
        return nothing_is_on_its_way(self.operator, *flags)

    def turn(self, message_id: str) -> dict[str, str]:
        return dict(self.json("why", message_id)["messages"][0]["turn"])

    def lose_an_answer(self) -> dict[str, Any]:
        """A request is cut off before Zalo takes it, and is not found afterwards either."""
        self.trouble("reset")
        self.say("một")
        self.gateway.said("may or may not have arrived")
        self.zalo.do("/drop", code=1006)
        self.zalo.wait("connected")
        self.say("hai")
        assert self.answer() == "echo: hai", "the lane goes on"
        [stuck] = self.listed()
        return stuck


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, state: Path, recording: Gateway) -> Lane:
    return Lane(linked, zalo, state, recording)


def test_what_may_have_arrived_waits_for_the_operator_who_has_it_sent_again(lane: Lane) -> None:
    lane.start()
    stuck = lane.lose_an_answer()
    assert (stuck["state"], stuck["needs_decision"], stuck["text"]) == ("needs_decision", True, "echo: một")
    told = lane.operator.run("outbox", "list").stdout
    assert "openclaw outbox resend NUMBER" in told
    assert "needs a decision" in told
    done = lane.operator.run("outbox", "resend", str(stuck["id"]))
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [f"Message {stuck['id']} is sent again, and what waits behind it follows."],
    )
    assert lane.answer() == "echo: một"
    assert lane.operator.run("outbox", "resend", str(stuck["id"])).returncode == 1
    assert lane.listed() == []
    assert lane.operator.run("outbox", "list").stdout.startswith("Nothing waits to be sent.")


def test_what_is_dropped_is_not_sent_not_even_after_a_restart(lane: Lane) -> None:
    lane.start()
    stuck = lane.lose_an_answer()
    lane.gateway.stop()
    dropped = lane.json("outbox", "drop", str(stuck["id"]))
    assert (dropped["ruling"], dropped["running"]) == ("drop", False)
    lane.start()
    lane.say("ba")
    assert lane.answer() == "echo: ba"
    assert lane.listed() == []
    [row] = lane.listed("--all")
    assert (row["state"], row["reason"]) == ("cancelled", "dropped by the operator")
    assert lane.answers() == ["echo: hai", "echo: ba"]


def test_its_own_echo_tells_that_an_answer_arrived(lane: Lane) -> None:
    lane.start()
    lane.trouble("reset", processed=True)
    first = lane.say("một")
    assert lane.answer() == "echo: một"
    lane.say("hai")
    assert lane.answer() == "echo: hai"
    assert lane.turn(first)["state"] == "done"
    assert lane.listed() == []
    assert lane.answers() == ["echo: một", "echo: hai"]


@pytest.mark.long
def test_an_answer_whose_echo_is_lost_is_found_after_the_reconnect(lane: Lane) -> None:
    lane.start(resend="when-absent")
    lane.zalo.do("/fault", does="lost", event="messages", times=2)
    lane.trouble("reset", processed=True)
    lane.zalo.do("/say", **{"from": lane.lan, "text": "một"})
    lane.zalo.do("/drop", code=1006)
    assert lane.answer() == "echo: một"
    lane.gateway.said("may or may not have arrived")
    lane.zalo.do("/drop", code=1006)
    lane.say("hai")
    assert lane.answer() == "echo: hai"
    assert lane.answers() == ["echo: một", "echo: hai"]


@pytest.mark.long
def test_what_zalo_does_not_have_is_sent_again_until_it_arrives_and_in_order(lane: Lane) -> None:
    """Nothing needs the operator: look-ups hold an earlier answer, and not the one that was cut off twice."""
    lane.start(resend="when-absent")
    lane.say("không")
    assert lane.answer() == "echo: không"
    lane.trouble("reset", times=2)
    first = lane.say("một")
    lane.gateway.said("may or may not have arrived")
    lane.say("hai")
    assert lane.status()["decisions"]["sends"] == 0, "look-ups may still settle it"
    lane.gateway.said("did not arrive and are sent again")
    lane.gateway.said("may or may not have arrived")
    assert lane.status()["decisions"]["sends"] == 0, "nor is the operator asked about the second send"
    assert [lane.answer(), lane.answer()] == ["echo: một", "echo: hai"]
    lane.gateway.said("did not arrive and are sent again")
    assert lane.answers() == ["echo: không", "echo: một", "echo: hai"]
    assert lane.turn(first)["state"] == "done"
    assert lane.status()["look_ups"] == ["dm"]


def test_an_answer_that_arrived_without_its_receipt_is_found_and_not_sent_again(lane: Lane) -> None:
    """The connection holds, neither answer nor echo came: the first look-up finds it."""
    lane.start(resend="when-absent")
    lane.say("không")
    assert lane.answer() == "echo: không"
    lane.zalo.do("/fault", does="lost", event="messages", times=2)
    lane.trouble("reset", processed=True)
    lane.zalo.do("/say", **{"from": lane.lan, "text": "một"})
    lane.zalo.do("/drop", code=1006)
    assert lane.answer() == "echo: một"
    lane.say("hai")
    assert lane.answer() == "echo: hai"
    assert lane.listed() == []
    assert lane.answers() == ["echo: không", "echo: một", "echo: hai"]


def test_an_answer_without_an_id_is_never_sent_again_and_asks_the_operator(lane: Lane) -> None:
    lane.start(resend="when-absent")
    lane.say("không")
    assert lane.answer() == "echo: không"
    lane.trouble("status", status=200, body="<html>")
    lane.say("một")
    lane.gateway.said("may or may not have arrived")
    lane.say("hai")
    assert lane.answer() == "echo: hai", "nothing waits for a look-up"
    told = lane.operator.run("channels", "status")
    assert told.returncode == 2
    assert "it is unknown whether 1 message arrived; decide: openclaw outbox list" in told.stdout
    lane.zalo.do("/drop", code=1006)
    lane.gateway.said("is ready")
    lane.say("ba")
    assert lane.answer() == "echo: ba"
    [stuck] = lane.listed()
    assert (stuck["state"], stuck["text"]) == ("needs_decision", "echo: một")
    assert lane.operator.run("outbox", "drop", str(stuck["id"])).returncode == 0
    assert lane.operator.run("channels", "status").returncode == 0


def test_several_sends_in_a_row_that_fail_are_told_and_healed_by_the_next(lane: Lane) -> None:
    lane.start()
    lane.trouble("reset", times=3)
    for text in ("một", "hai", "ba"):
        lane.say(text)
        lane.gateway.said("may or may not have arrived")
    lane.gateway.said("none of the last 3 messages is known to have arrived")
    told = lane.operator.run("channels", "status")
    assert told.returncode == 2
    assert "none of the last 3 messages is known to have arrived" in told.stdout
    assert "outbound broken" in told.stdout
    assert "→ openclaw outbox list" in told.stdout
    lane.say("bốn")
    assert lane.answer() == "echo: bốn"
    lane.gateway.said("messages arrive again")
    assert lane.status()["outbound"] == "ok"


def test_a_reply_that_is_refused_midway_says_which_parts_arrived(lane: Lane) -> None:
    lane.start()
    lane.trouble("slow", seconds=0.0)
    lane.trouble("error", code=122, layer="inner")
    message = lane.say(LONG)
    line = lane.gateway.said("was refused")
    assert "parts, 1 arrived, 2 refused" in line
    lane.say("hai")
    while lane.answer() != "echo: hai":
        pass
    turn = lane.turn(message)
    assert turn["state"] == "failed"
    assert "3 not sent" in turn["reason"]


@pytest.mark.long
def test_a_message_that_nobody_can_answer_is_set_aside_and_the_lane_goes_on(lane: Lane) -> None:
    lane.start()
    poison = lane.say("this will fail")
    lane.say("hai")
    assert lane.answer() == "echo: hai"
    lane.gateway.said("TURN 4 ")
    told = lane.operator.run("channels", "dead-letters", "list").stdout
    assert poison in told
    assert "RuntimeError: told to fail" in told
    status = lane.operator.run("channels", "status")
    assert status.returncode == 2, "it waits for a decision"
    assert "could not be answered; decide: openclaw channels dead-letters list" in status.stdout
    assert lane.operator.run("channels", "dead-letters", "resubmit", poison).returncode == 0
    lane.gateway.said("TURN 9 ")
    lane.say("ba")
    assert lane.answer() == "echo: ba", "it has failed four times more"
    assert lane.operator.run("channels", "dead-letters", "drop", poison).returncode == 0
    assert lane.operator.run("channels", "status").returncode == 0
    again = lane.operator.run("channels", "dead-letters", "resubmit", poison)
    assert again.returncode == 1
    assert "openclaw channels dead-letters list" in again.stdout


def test_a_stop_keeps_back_what_has_not_left(lane: Lane) -> None:
    lane.start()
    lane.trouble("slow", seconds=3.0)
    message = lane.say(LONG)
    lane.zalo.wait("meddled")
    lane.say("/stop")
    assert lane.answer().startswith("echo: câu thứ 0.")
    assert lane.answer() == "Đã dừng."
    assert lane.turn(message)["state"] == "stopped"
    assert lane.listed() == []
