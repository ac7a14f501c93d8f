"""The kill switch with real processes: what Zalo's side sees while an account or a thread is paused."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, asked, listening, person, say, status

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', pacing: { enabled: false },
} } }
"""
LEAVES = {"sent", "typed", "delivered", "seen", "reacted", "undone"}


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def running_lane(linked: Operator, gateway: Gateway) -> Operator:
    """Logged in, answering everybody, and connected."""
    listening(gateway)
    return linked


def heard(zalo: Simulator, gateway: Gateway, sender: str, text: str) -> None:
    """Somebody writes, and the gateway has stored and decided it."""
    assert say(zalo, sender, text)
    gateway.said(f"admit {sender}")


def left(zalo: Simulator, since: int) -> list[str]:
    """What others were shown since a record."""
    return [one["kind"] for one in zalo.since(since) if one["kind"] in LEAVES]


def last_seq(zalo: Simulator) -> int:
    return max((one["seq"] for one in zalo.since(0)), default=0)


def test_while_muted_nothing_leaves_not_even_after_a_crash_and_resume_answers(
    running_lane: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan, hung = person(zalo, "Lan"), person(zalo, "Hùng")
    done = running_lane.run("pause")
    assert "zalouser/default is muted" in done.stdout
    muted = last_seq(zalo)

    heard(zalo, gateway, lan, "one")
    heard(zalo, gateway, hung, "two")
    code, account = status(running_lane)
    assert code == 4
    assert (account["phase"], account["code"]) == ("ready", "ready")
    assert [pause["level"] for pause in account["pauses"]] == ["mute"]

    gateway.kill()
    listening(gateway)
    assert status(running_lane)[0] == 4
    heard(zalo, gateway, lan, "three")
    assert left(zalo, muted) == []

    told = asked(running_lane, "resume")["resumed"][0]
    assert told["was"]["level"] == "mute"
    assert told["expired"] == []
    assert sorted(answers(zalo, 3)) == ["one", "three", "two"]
    assert status(running_lane)[0] == 0


def test_offline_closes_the_connection_stays_away_after_a_restart_and_catches_up(
    running_lane: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    asked(running_lane, "pause", "--level", "offline")
    zalo.wait("disconnected", lambda record: record["code"] == 1000)
    away = last_seq(zalo)
    code, account = status(running_lane)
    assert (code, account["phase"], account["code"]) == (4, "paused", "offline")
    assert account["help"] == "openclaw resume --channel zalouser --account default"

    gateway.stop()
    gateway.start()
    gateway.said("is paused")
    zalo.do("/say", **{"from": lan, "text": "are you there"})
    assert "connected" not in [one["kind"] for one in zalo.since(away)]

    asked(running_lane, "resume")
    zalo.wait("connected")
    assert answers(zalo, 1) == ["are you there"]


def test_a_thread_can_be_muted_alone(running_lane: Operator, zalo: Simulator, gateway: Gateway) -> None:
    lan, hung = person(zalo, "Lan"), person(zalo, "Hùng")
    done = running_lane.run("pause", "--thread", f"dm:{lan}")
    assert f"zalouser/default in dm:{lan} is muted" in done.stdout
    heard(zalo, gateway, lan, "to a deaf ear")
    heard(zalo, gateway, hung, "to an open one")

    assert answers(zalo, 1) == ["to an open one"]
    assert status(running_lane)[0] == 0
    assert lan not in [one.get("thread_id") for one in zalo.since(0) if one["kind"] in LEAVES]
    assert "Still paused" in running_lane.run("resume").stdout

    # The id alone is enough for a thread that was read from.
    asked(running_lane, "resume", "--thread", lan)
    assert answers(zalo, 1) == ["to a deaf ear"]


def test_a_pause_ends_by_itself(running_lane: Operator, zalo: Simulator, gateway: Gateway) -> None:
    lan = person(zalo, "Lan")
    asked(running_lane, "pause", "--for", "3s")
    heard(zalo, gateway, lan, "later")
    gateway.said("is resumed")
    assert answers(zalo, 1) == ["later"]


@pytest.mark.long
def test_what_a_pause_made_too_old_expires_is_listed_and_can_be_answered_after_all(
    running_lane: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    gateway.stop()
    (state / "config.json5").write_text(CONFIG.replace("dmPolicy", "backlogMaxAge: '3s', dmPolicy"))
    listening(gateway)
    lan = person(zalo, "Lan")
    asked(running_lane, "pause", "--for", "8s")
    muted = last_seq(zalo)
    heard(zalo, gateway, lan, "is anybody there")
    gateway.said("is resumed; 1 expired meanwhile")
    assert status(running_lane)[1]["expired"] == 1
    assert "sent" not in left(zalo, muted)

    told = running_lane.run("resume", "--flush").stdout
    assert "Expired before, and answered now: 1." in told
    assert answers(zalo, 1) == ["is anybody there"]
    assert status(running_lane)[1]["expired"] == 0


def test_without_a_gateway_a_pause_is_written_down_and_the_next_one_begins_paused(
    running_lane: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    gateway.stop()
    assert "will start paused" in running_lane.run("pause").stdout
    listening(gateway)
    muted = last_seq(zalo)
    heard(zalo, gateway, person(zalo, "Lan"), "hello")
    assert left(zalo, muted) == []
    gateway.stop()
    asked(running_lane, "resume")
    listening(gateway)
    assert answers(zalo, 1) == ["hello"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pause --account nobody", "there is no account 'nobody'"),
        ("pause --thread 12345", "write dm:ID or group:ID"),
        ("pause --thread dm:1 --level offline", "a thread can only be muted"),
        ("pause --for soon", "must be a time such as '15m'"),
    ],
)
def test_what_cannot_be_paused_is_refused_in_one_line(running_lane: Operator, words: str, told: str) -> None:
    done = running_lane.run(*words.split())
    assert done.returncode == 1
    assert told in done.stdout
    assert done.stdout.count("\n") == 1
