"""What proves a lane, and what it does beyond a bot: rows S05, S55 and S61 to S75."""

from __future__ import annotations

import re

import pytest

from checklist.desk import Desk

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def friend(desk: Desk) -> str:
    """A friend who may write."""
    lan = desk.person("Lan", friend=True)
    desk.channel(f"dmPolicy: 'allowlist', allowFrom: ['{lan}'], groupPolicy: 'disabled'")
    desk.listen()
    return lan


@pytest.mark.row("S62")
def test_linked_is_not_verified(desk: Desk, friend: str) -> None:
    account = desk.account()
    assert account["linked"] is True
    assert account["verification"]["state"] == "never"
    assert "never verified" in desk.ok("channels", "status")


@pytest.mark.row("S05", "S64", "S69")
def test_session_restart_and_reconnect_are_proven(desk: Desk, friend: str) -> None:
    shown = sum(one["kind"] == "qrshown" for one in desk.zalo.since(0))
    words = "verify --channel zalouser --step probe --step restart --step reconnect --yes --json"
    done = desk.run(*words.split())
    assert done.returncode == 0, done.stdout
    assert sum(one["kind"] == "qrshown" for one in desk.zalo.since(0)) == shown
    desk.says(friend, "Còn đó không?")
    assert "Còn đó không?" in desk.reply(friend)["text"]
    assert desk.sent_to(friend).count("Còn đó không?") <= 1


@pytest.mark.row("S66")
def test_a_reaction_is_set_and_taken_back(desk: Desk, friend: str) -> None:
    message = desk.says(friend, "Vui quá")
    desk.reply(friend)
    words = ("message", "react", "--target", f"user:{friend}", "--message-id", message, "--emoji", "❤")
    desk.ok(*words)
    assert desk.zalo.wait("reacted")["icon"] == "/-heart"
    desk.ok(*words, "--remove")
    desk.zalo.wait("reacted")


@pytest.mark.row("S67", "S72")
def test_delivered_seen_and_typing_come_after_the_decision_and_before_the_reply(
    desk: Desk, friend: str
) -> None:
    after = desk.zalo.since(0)[-1]["seq"]
    desk.says(friend, "Alo?")
    desk.reply(friend)
    kinds = [one["kind"] for one in desk.zalo.since(after)]
    assert {"delivered", "seen", "typed"} <= set(kinds)
    assert kinds.index("typed") < kinds.index("sent")


@pytest.mark.row("S70", "S71")
def test_a_long_text_leaves_in_parts_and_once(desk: Desk, friend: str) -> None:
    text = " ".join(f"từ{number:04}" for number in range(640))
    assert len(text) > 4000
    before = len(desk.sent_to(friend))
    desk.ok("message", "send", "--target", f"user:{friend}", "--message", text)
    parts = desk.sent_to(friend)[before:]
    assert len(parts) == 3
    assert all(len(part) <= 2000 for part in parts)
    assert re.sub(r"\s+", " ", " ".join(parts)) == text


@pytest.mark.row("S75")
def test_the_session_is_described_without_its_values(desk: Desk, friend: str) -> None:
    told = desk.json("session", "show", "--channel", "zalouser")
    assert told["ok"] is True
    text = desk.ok("session", "show", "--channel", "zalouser")
    for cookie in desk.zalo.do("/credentials")["cookie"]:
        assert cookie["value"] not in text
        assert cookie["value"] not in str(told)


@pytest.mark.row("S61", "S76", "S77")
def test_three_states_of_a_login_and_the_way_back(desk: Desk, friend: str) -> None:
    assert desk.account("--probe")["probe"]["ok"] is True
    desk.zalo.do("/expire-session")
    done = desk.run("channels", "status", "--probe")
    assert done.returncode == 3
    assert "channels login" in done.stdout
    assert desk.ok("channels", "logout", "--channel", "zalouser")
    assert desk.ok("channels", "logout", "--channel", "zalouser"), "nothing to clear is no failure"
    assert desk.run("channels", "status", "--probe").returncode == 3
    desk.log_in()
    assert desk.account("--probe")["probe"]["ok"] is True
