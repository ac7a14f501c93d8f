"""Pacing with real processes: what is held is shown, with reason and time, and a restart lets nothing go."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator, running

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { gap: '0s', gapJitter: '0s' },
} } }
"""


@pytest.fixture
def running_lane(operator: Operator, zalo: Simulator, state: Path, gateway: Gateway) -> Operator:
    """Logged in, answering everybody, and connected."""
    (state / "config.json5").write_text(CONFIG)
    assert operator.run("plugins", "install", "@openclaw/zalouser").returncode == 0
    words = ("channels", "login", "--channel", "zalouser", "--accept-risk")
    with running(operator.command(*words), operator.env, subprocess.STDOUT) as login:
        zalo.wait("qrshown")
        zalo.do("/scan")
        zalo.do("/confirm")
        assert login.wait(60) == 0
    gateway.start()
    gateway.said("is ready")
    return operator


def say(zalo: Simulator, sender: str, text: str) -> None:
    zalo.do("/say", **{"from": sender, "text": text})


def account(operator: Operator) -> dict[str, Any]:
    told = json.loads(operator.run("channels", "status", "--json").stdout)
    return dict(told["channels"]["zalouser"]["accounts"]["default"])


def test_the_same_text_waits_ten_minutes_in_its_thread_over_a_restart_and_nowhere_else(
    running_lane: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan, hung = (str(zalo.do("/person", name=name)["uid"]) for name in ("Lan", "Hùng"))
    say(zalo, lan, "ok")
    assert zalo.wait("sent")["text"] == "ok"
    first_ms = time.time_ns() // 1_000_000

    say(zalo, lan, "OK")
    say(zalo, lan, "behind it")
    say(zalo, hung, "elsewhere")
    assert zalo.wait("sent")["text"] == "elsewhere"
    gateway.kill()
    gateway.start()
    gateway.said("is ready")
    say(zalo, hung, "still elsewhere")
    assert zalo.wait("sent")["text"] == "still elsewhere"

    [held] = account(running_lane)["held"]
    assert held["thread"] == f"dm:{lan}"
    assert held["reason"] == "the same text to the same thread"
    assert abs(held["until_ms"] - first_ms - 600_000) < 60_000
    assert "the same text to the same thread · until" in running_lane.run("channels", "status").stdout
    assert [one["text"] for one in zalo.since(0) if one["kind"] == "sent"] == [
        "ok",
        "elsewhere",
        "still elsewhere",
    ]
