"""The owner writes on the phone while the lane works: what the others see, in every order, and over kills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, all_sent, asked, listening, person, say

pytestmark = pytest.mark.long
CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { enabled: false },
    ownerTakeover: '30m', resendUnknown: 'never',
} } }
"""
SEND = "send text"


class Lane:
    """A logged-in account whose owner writes on the phone, too. Its agent echoes what it is asked."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway) -> None:
        self.operator, self.zalo, self.gateway = operator, zalo, gateway
        self.lan, self.hung = person(zalo, "Lan"), person(zalo, "Hùng")

    def ask(self, text: str, whom: str = "") -> str:
        return say(self.zalo, whom or self.lan, text)

    def phone(self, text: str, whom: str = "", **more: object) -> None:
        """The owner writes."""
        self.zalo.do("/say", **{"from": "Nguyễn Minh Anh", "to": whom or self.lan, "text": text, **more})

    def answer(self) -> str:
        return str(self.zalo.wait("sent")["text"])

    def held(self) -> list[str]:
        return [one["thread"] for one in account(self.operator)["takeovers"]]

    def decided(self, message_id: str) -> list[tuple[str, str]]:
        [message] = asked(self.operator, "why", message_id)["messages"]
        return [(one["outcome"], one["reason"]) for one in message["decisions"]]

    def passed_by(self) -> None:
        """Somebody else is answered: what was read before that is done with."""
        self.ask("thế nào?", self.hung)
        assert self.answer() == "echo: thế nào?"

    def slow(self, seconds: float, **more: Any) -> None:
        self.zalo.do("/fault", does="slow", call=SEND, seconds=seconds, **more)


@pytest.fixture
def lane(recording: Gateway, linked: Operator, zalo: Simulator, state: Path) -> Lane:
    (state / "config.json5").write_text(CONFIG)
    listening(recording)
    return Lane(linked, zalo, recording)


@pytest.mark.parametrize(
    "more",
    [{}, {"kind": "photo"}, {"kind": "sticker"}, {"kind": "album", "count": 3}, {"kind": "file"}],
    ids=lambda more: str(more.get("kind", "text")),
)
def test_what_the_owner_sends_holds_the_agent_back_over_a_kill(lane: Lane, more: dict[str, object]) -> None:
    lane.phone("Để mình", **more)
    held = lane.ask("anh ơi?")
    lane.passed_by()
    assert lane.held() == [f"dm:{lane.lan}"]
    assert lane.decided(held) == [("pend", "owner_took_over")]
    lane.gateway.kill()
    listening(lane.gateway)
    again = lane.ask("còn đó không?")
    lane.passed_by()
    assert lane.decided(again) == [("pend", "owner_took_over")]
    told = lane.operator.run("channels", "status").stdout
    assert "Lan (dm:" in told
    assert "where you wrote by hand" in " ".join(told.split())
    ended = lane.operator.run("resume", "--thread", f"dm:{lane.lan}")
    assert "The agent goes on" in ended.stdout
    lane.ask("và bây giờ?")
    assert lane.answer() == "echo: và bây giờ?"
    assert all_sent(lane.zalo) == ["echo: thế nào?", "echo: thế nào?", "echo: và bây giờ?"]


@pytest.mark.parametrize("ids", [{}, {"message_id": False}, {"client_id": False}, None], ids=str)
@pytest.mark.parametrize("kills", [False, True])
def test_echoes_of_ours_are_no_owner(lane: Lane, ids: dict[str, bool] | None, kills: bool) -> None:
    if ids is not None:
        lane.zalo.do("/fault", does="foreignecho", call=SEND, times=2, **ids)
    for text in ("một", "hai", "ba"):
        lane.ask(text)
        assert lane.answer() == f"echo: {text}"
        if kills:
            lane.gateway.kill()
            listening(lane.gateway)
    lane.passed_by()
    assert lane.held() == []


def test_three_sends_under_foreign_ids_switch_it_off(lane: Lane) -> None:
    lane.zalo.do("/fault", does="foreignecho", call=SEND, times=3)
    for text in ("một", "hai", "ba"):
        lane.ask(text)
        assert lane.answer() == f"echo: {text}"
    lane.gateway.said("takeovers are off")
    assert account(lane.operator)["takeovers_off"]
    assert "takeovers are off" in lane.operator.run("channels", "status").stdout
    lane.phone("Để mình")
    lane.ask("bốn")
    assert lane.answer() == "echo: bốn"


def test_the_verdict_waits_for_a_send_that_is_on_its_way(lane: Lane) -> None:
    """The send is done at once, and answered later."""
    lane.slow(1.5, processed=True, times=1)
    lane.ask("một")
    assert lane.answer() == "echo: một"
    waiting = lane.ask("hai")
    lane.phone("Để mình")
    lane.gateway.said("the owner wrote")
    lane.passed_by()
    assert lane.decided(waiting)[-1] == ("pend", "owner_took_over")
    assert lane.held() == [f"dm:{lane.lan}"]


def test_what_the_owner_wrote_while_the_gateway_was_down_counts_by_its_time(lane: Lane) -> None:
    lane.gateway.kill()
    missed = lane.ask("anh ơi?")
    lane.phone("Để mình")
    listening(lane.gateway)
    lane.passed_by()
    assert lane.held() == [f"dm:{lane.lan}"]
    assert lane.decided(missed)[-1] == ("pend", "owner_took_over")
    assert all_sent(lane.zalo) == ["echo: thế nào?"]


def test_a_reaction_of_the_owner_counts_and_one_of_a_stranger_does_not(lane: Lane) -> None:
    asked_one = lane.ask("một")
    assert lane.answer() == "echo: một"
    lane.zalo.do("/react", **{"from": lane.lan, "message": asked_one})
    lane.passed_by()
    assert lane.held() == []
    lane.zalo.do("/react", **{"from": "Nguyễn Minh Anh", "message": asked_one})
    lane.passed_by()
    assert lane.held() == [f"dm:{lane.lan}"]


def test_pause_lists_what_the_owner_took_over_until_it_is_given_back(lane: Lane) -> None:
    lan = f"dm:{lane.lan}"
    lane.phone("Để mình")
    lane.passed_by()
    lane.gateway.kill()
    listening(lane.gateway)
    listed = asked(lane.operator, "pause", "--list")
    [row] = listed["takeovers"]
    assert (row["account"], row["thread"], row["name"]) == ("zalouser/default", lan, "Lan")
    assert row["until_ms"] - row["since_ms"] == 30 * 60_000
    assert listed["pauses"] == []
    told = " ".join(lane.operator.run("pause", "--list").stdout.split())
    assert f"zalouser/default: Lan ({lan}), where you wrote by hand, until " in told
    back = f"resume --channel zalouser --account default --thread {lan}"
    assert told.endswith(f"Go on with: openclaw {back}")
    assert asked(lane.operator, "pause", "--list", "--thread", f"dm:{lane.hung}")["takeovers"] == []
    assert lane.operator.run("pause").returncode == 0
    both = asked(lane.operator, "pause", "--list")
    assert (len(both["pauses"]), both["takeovers"]) == (1, [row])
    assert lane.operator.run("resume").returncode == 0
    assert asked(lane.operator, "pause", "--list")["takeovers"] == [row]
    assert lane.operator.run(*back.split()).returncode == 0
    assert lane.operator.run("pause", "--list").stdout == "Nothing is paused.\n"


def test_a_takeover_counts_as_seen_working_once_an_echo_of_ours_was_seen(lane: Lane) -> None:
    def marks() -> tuple[bool, bool]:
        proven = {one["name"]: one for one in asked(lane.operator, "channels", "capabilities")["proven"]}
        return proven["takeover"]["seen_ms"] is not None, proven["undo"]["seen_ms"] is not None

    lane.phone("Để mình")
    lane.passed_by()
    assert lane.held() == [f"dm:{lane.lan}"]
    assert marks() == (False, False)
    lane.phone("Để mình luôn", lane.hung)
    lane.ask("còn ai không?", person(lane.zalo, "Bình"))
    assert lane.answer() == "echo: còn ai không?"
    assert sorted(lane.held()) == sorted([f"dm:{lane.lan}", f"dm:{lane.hung}"])
    assert marks() == (True, False)
    lane.gateway.kill()
    assert marks() == (True, False)
