"""Pacing with real processes: what is held is shown, with reason and time, and a restart lets nothing go."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, listening, person, say

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { gap: '0s', gapJitter: '0s' },
} } }
"""


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def running_lane(linked: Operator, gateway: Gateway) -> Operator:
    """Logged in, answering everybody, and connected."""
    listening(gateway)
    return linked


def test_equal_short_answers_are_normal_and_a_loop_steps_aside(
    running_lane: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan, hung = person(zalo, "Lan"), person(zalo, "Hùng")
    for _ in range(3):
        say(zalo, lan, "Đã rõ")
        assert zalo.wait("sent")["text"] == "Đã rõ"
    first_ms = time.time_ns() // 1_000_000

    say(zalo, lan, "đã  RÕ")
    assert "held: pacing.sameText.times (3) until" in gateway.said("held:")
    say(zalo, lan, "behind it")
    assert zalo.wait("sent")["text"] == "behind it"
    say(zalo, hung, "Đã rõ")
    assert zalo.wait("sent")["text"] == "Đã rõ"
    gateway.kill()
    listening(gateway)
    say(zalo, lan, "after a restart")
    assert zalo.wait("sent")["text"] == "after a restart"

    [held] = account(running_lane)["held"]
    assert (held["thread"], held["reason"]) == (f"dm:{lan}", "pacing.sameText.times (3)")
    assert held["aside"]
    assert abs(held["until_ms"] - first_ms - 600_000) < 60_000
    told = running_lane.run("channels", "status").stdout
    assert "the same reply again and again in this conversation" in told
    assert "later replies pass it" in told


def test_a_friend_is_answered_at_once_while_a_flooder_writes(
    running_lane: Operator, zalo: Simulator, state: Path, gateway: Gateway
) -> None:
    """The flooder uses up what it may have of the minute, and the friend is not held at all."""
    gateway.stop()
    many = CONFIG.replace("gap:", "account: { minute: 8 }, thread: { minute: 100 }, gap:")
    (state / "config.json5").write_text(many)
    listening(gateway)
    flooder, friend = person(zalo, "Lan"), person(zalo, "Hùng")
    for number in range(20):
        say(zalo, flooder, f"flood {number}")
    assert [zalo.wait("sent")["text"] for _ in range(6)] == [f"flood {number}" for number in range(6)]
    assert "pacing.account.minute (8), the rest is for others" in gateway.said("held:")
    say(zalo, friend, "chào")
    assert zalo.wait("sent")["text"] == "chào"
    [held] = account(running_lane)["held"]
    assert held["thread"] == f"dm:{flooder}"
