"""The ritual against the simulator: played by its cast to the end, and with each step broken on purpose."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from clawlane.ops.ritual.steps import PROVES
from demo.stage import Gateway, Operator, Simulator, running
from end_to_end.steps import account, asked, listening, person, say
from end_to_end.terminal import hear_ctrl_c
from json_shapes import shaped

STRICT = """{
  channels: { zalouser: {
    dmPolicy: 'pairing',
    groupPolicy: 'allowlist', groupAllowFrom: ['*'],
    groups: { '*': {} },
  } },
}"""
PAIRED = ("stranger", "pairing", "approved")
LAN = "Trần Thị Lan"


@pytest.fixture
def config_text() -> str:
    return STRICT


@pytest.fixture
def rehearsed(linked: Operator, zalo: Simulator) -> Operator:
    """An operator whose commands and gateway can tell the simulator's people what to do."""
    linked.env["ZALOWEB_CONTROL"] = f"127.0.0.1:{zalo.control}"
    return linked


def verify(operator: Operator, *steps: str, timeout: str = "15s") -> tuple[int, dict[str, Any]]:
    """The exit code and the report of a run of these steps, or of all."""
    words = ["verify", "--channel", "zalouser", "--json", "--yes", "--timeout", timeout]
    command = operator.command(*words, *(word for step in steps for word in ("--step", step)))
    done = subprocess.run(
        command, env=operator.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110
    )
    assert done.stdout, done.stderr
    report = dict(json.loads(done.stdout))
    assert "steps" in report, report
    return done.returncode, report


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in report["steps"]}


def missing(report: dict[str, Any], step: str) -> str:
    return str(next(one["missing"] for one in report["steps"] if one["name"] == step))


def test_the_session_and_a_lost_connection_are_proven_in_a_moment(
    linked: Operator, gateway: Gateway, zalo: Simulator
) -> None:
    listening(gateway)
    code, report = verify(linked, "reconnect", "probe")
    assert (code, states(report)) == (0, {"probe": "passed", "reconnect": "passed"}), report
    kinds = [one["kind"] for one in zalo.since(0) if one["kind"] in ("connected", "disconnected")]
    assert kinds == ["connected", "disconnected", "connected"]
    assert account(linked)["verification"]["state"] == "partly"


@pytest.mark.long
@pytest.mark.row("S05", "S55", "S68")
def test_the_cast_plays_the_whole_ritual_and_the_status_says_so(
    rehearsed: Operator, gateway: Gateway, zalo: Simulator, state: Path
) -> None:
    listening(gateway)
    assert account(rehearsed)["verification"]["state"] == "never"
    before = zalo.since(0)[-1]["seq"]
    code, report = verify(rehearsed)
    assert (code, report["ok"]) == (0, True), report
    assert set(states(report).values()) == {"passed"}, report
    assert (report["channel"], report["account"]) == ("zalouser", "zalouser/default")
    assert report["risk"]["label"] == "experimental, unofficial"

    happened = zalo.since(before)
    assert not [one for one in happened if one["kind"] == "qrshown"], "the session was held without a code"
    written_to = {one["thread_id"] for one in happened if one["kind"] == "sent"}
    wrote = {one["thread_id"] for one in happened if one["kind"] == "delivered"}
    challenged = next(one["thread_id"] for one in happened if one["kind"] == "sent")
    assert written_to <= wrote | {challenged}, "nobody was written to who did not write first"
    icons = [one["icon"] for one in happened if one["kind"] == "reacted"]
    assert icons == ["/-strong", ""]
    sent = [one["text"] for one in happened if one["kind"] == "sent"]
    assert len(sent) == 3, "the code, and one answer to each message: nothing was answered twice"

    verification = account(rehearsed)["verification"]
    assert (verification["state"], verification["unproven"]) == ("verified", [])
    told = rehearsed.run("channels", "status").stdout
    assert "only rehearsed" in told, "that is no proof of the lane"
    assert "policy unchanged since" in told
    proven = asked(rehearsed, "channels", "capabilities")["proven"]
    verified = {one["name"] for one in proven if one["verified_ms"]}
    assert verified == {ability for proves in PROVES.values() for ability in proves}
    assert verified <= {one["name"] for one in proven if one["seen_ms"]}
    assert not [one for one in proven if one["name"] in ("undo", "takeover") and one["seen_ms"]]
    told = " ".join(rehearsed.run("channels", "capabilities").stdout.split())
    assert told.count(", verified on ") == len(verified)
    shown = rehearsed.run("verify", "--report")
    assert "Every step has passed in the rehearsal" in shown.stdout, shown.stdout
    assert json.loads(rehearsed.run("verify", "--report", "--json").stdout)["reports"][0]["steps"]

    gateway.stop()
    config = state / "config.json5"
    config.write_text("// a comment\n" + config.read_text())
    assert account(rehearsed)["verification"]["state"] == "verified"
    config.write_text(config.read_text().replace("groups: { '*': {} }", "groups: { '*': {}, '77': {} }"))
    assert account(rehearsed)["verification"]["state"] == "policy_changed"


@pytest.mark.long
def test_a_deleted_session_fails_the_probe_and_stops_the_rest(
    rehearsed: Operator, gateway: Gateway, state: Path
) -> None:
    listening(gateway)
    for session in (state / "vault").glob("*.session"):
        session.unlink()
    code, report = verify(rehearsed)
    assert code == 1
    assert states(report)["probe"] == "failed"
    assert "openclaw channels login" in missing(report, "probe")
    assert set(states(report).values()) == {"failed", "skipped"}
    assert missing(report, "stranger") == "probe failed"


@pytest.mark.long
def test_a_connection_that_does_not_come_back_is_named(
    rehearsed: Operator, gateway: Gateway, zalo: Simulator
) -> None:
    listening(gateway)
    zalo.do("/fault", does="status", call="listen", status=503, times=None)
    code, report = verify(rehearsed, "probe", "reconnect", timeout="5s")
    assert (code, states(report)) == (1, {"probe": "passed", "reconnect": "failed"})
    assert "the connection did not come back within 5 s: it is " in missing(report, "reconnect")


@pytest.mark.long
def test_a_session_that_is_refused_after_the_restart_is_named(
    rehearsed: Operator, gateway: Gateway, zalo: Simulator
) -> None:
    listening(gateway)
    zalo.do("/expire-session")
    code, report = verify(rehearsed, "restart", "reconnect")
    assert (code, states(report)) == (1, {"restart": "failed", "reconnect": "skipped"})
    told = missing(report, "restart")
    assert "the gateway is back, but the account is not: it is needs_login" in told
    assert "openclaw channels login" in told


@pytest.mark.long
def test_a_mention_rule_that_is_off_is_named(rehearsed: Operator, gateway: Gateway, state: Path) -> None:
    config = state / "config.json5"
    config.write_text(config.read_text().replace("'*': {}", "'*': { requireMention: false }"))
    listening(gateway)
    code, report = verify(rehearsed, "group-answered", "group-skipped")
    assert (code, states(report)) == (0, {"group-answered": "passed", "group-skipped": "skipped"})
    assert "requireMention is off" in missing(report, "group-skipped")
    assert "line 5 channels.zalouser.groups['*'].requireMention" in missing(report, "group-skipped")


@pytest.mark.long
def test_lost_acks_a_refused_reply_and_a_history_without_sends_are_named(
    rehearsed: Operator, gateway: Gateway, zalo: Simulator
) -> None:
    listening(gateway)
    zalo.do("/fault", does="error", call="seen", code=114, times=None)
    code, report = verify(rehearsed, *PAIRED, "reply", "acks")
    assert (code, states(report)["reply"], states(report)["acks"]) == (1, "passed", "failed")
    assert "seen was not shown" in missing(report, "acks")
    assert "114" in missing(report, "acks")

    code, report = verify(rehearsed, "fetched-back")
    assert (code, states(report)) == (0, {"fetched-back": "passed"})
    zalo.do("/forget")
    code, report = verify(rehearsed, "fetched-back")
    assert (code, states(report)) == (1, {"fetched-back": "failed"})
    assert "hold 0 own messages" in missing(report, "fetched-back")

    zalo.do("/fault", does="error", call="send text", code=114, layer="inner", times=None)
    code, report = verify(rehearsed, "reply")
    assert code == 1
    assert "was admitted, but the answer did not get out: refused" in missing(report, "reply")

    verification = account(rehearsed)["verification"]
    assert verification["state"] == "partly"
    assert verification["failed"] == ["reply", "fetched-back", "acks"]
    assert "restart" in verification["unproven"]


@pytest.mark.long
def test_an_agent_that_fails_is_named(rehearsed: Operator, gateway: Gateway, state: Path) -> None:
    brain = "{ kind: 'command', command: ['false'] }"
    failing = f"agents: {{ defaults: {{ allowStrangers: true, brain: {brain} }} }},"
    config = state / "config.json5"
    config.write_text(config.read_text().replace("{\n", "{\n" + failing + "\n", 1))
    listening(gateway)
    code, report = verify(rehearsed, *PAIRED, "reply")
    assert (code, states(report)["approved"], states(report)["reply"]) == (1, "passed", "failed")
    told = missing(report, "reply")
    assert "was admitted, but the agent could not answer" in told
    assert "false ended with exit code 1; see: openclaw channels dead-letters list" in told


@pytest.mark.long
def test_people_who_do_not_do_their_part_are_named(
    linked: Operator, gateway: Gateway, zalo: Simulator
) -> None:
    listening(gateway)
    code, report = verify(linked, "probe", "stranger", "pairing", timeout="3s")
    assert (code, states(report)) == (1, {"probe": "passed", "stranger": "failed", "pairing": "skipped"})
    told = missing(report, "stranger")
    assert told == "no message of a stranger came within 3 s; nothing at all arrived ever"

    say(zalo, person(zalo, friend=False), "xin chào")
    zalo.wait("sent")
    code, report = verify(linked, "pairing", "approved", "reply", timeout="3s")
    assert states(report) == {"pairing": "passed", "approved": "failed", "reply": "skipped"}
    assert "was not approved within 3 s; run: openclaw pairing approve zalouser " in missing(
        report, "approved"
    )


@pytest.mark.long
def test_ctrl_c_keeps_what_was_proven(linked: Operator, gateway: Gateway) -> None:
    listening(gateway)
    # Where tests run in the background, children inherit that SIGINT is ignored.
    hears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", f"{hears}os.execv(sys.argv[1], sys.argv[1:])"]
    with running([*command, *linked.command("verify", "--channel", "zalouser")], linked.env) as ritual:
        assert ritual.stdout is not None
        while "write any text to" not in ritual.stdout.readline():
            pass
        ritual.send_signal(signal.SIGINT)
        assert "Stopped; what was proven until then is kept (1 passed" in ritual.stdout.read()
        assert ritual.wait(20) == 2
    report = shaped(json.loads(linked.run("verify", "--report", "--json").stdout))["reports"][0]
    assert (report["stopped"], states(report)) == (True, {"probe": "passed"})
    assert account(linked)["verification"]["state"] == "partly"


@pytest.mark.long
def test_a_person_is_guided_at_a_terminal(linked: Operator, gateway: Gateway, zalo: Simulator) -> None:
    listening(gateway)
    command, *words = linked.command("verify", "--channel", "zalouser", *(f"--step={one}" for one in PAIRED))
    env = {**linked.env, "TERM": "xterm"}
    terminal = pexpect.spawn(
        command, words, env=env, dimensions=(24, 80), encoding="utf-8", timeout=20, preexec_fn=hear_ctrl_c
    )
    terminal.expect("experimental, unofficial")
    terminal.expect(r"write any\s+text to\s+Nguyễn\s+Minh\s+Anh")
    terminal.expect(r"waiting … 4:5\d left")
    say(zalo, person(zalo, "Phạm Khách", friend=False), "xin chào")
    terminal.expect(r"passed.*Phạm\s+Khách\s+\(\d+\)\s+wrote")
    terminal.expect(r"Approve Phạm Khách \(\d+\)\?")
    terminal.expect("Go on")
    terminal.sendline("y")
    terminal.expect("is approved on zalouser/default")
    terminal.expect("not every step did")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
