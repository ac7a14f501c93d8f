"""`openclaw sent --recall`: what Zalo's side loses, and what the command says of each message."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator, running
from end_to_end.steps import listening, person
from end_to_end.terminal import terminal
from end_to_end.test_message import png
from json_shapes import shaped

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'disabled', resendUnknown: 'never',
    pacing: PACING, outbound: 'OUTBOUND',
} } }
"""


def config(outbound: str = "auto", pacing: str = "{ enabled: false }") -> str:
    return CONFIG.replace("PACING", pacing).replace("OUTBOUND", outbound)


class Desk:
    """A running gateway and two friends, to whom the operator has written."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway) -> None:
        self.operator, self.zalo, self.gateway = operator, zalo, gateway
        self.lan, self.hung = person(zalo, "Lan"), person(zalo, "Hùng")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.operator.run(*words)

    def send(self, whom: str, *words: str) -> list[str]:
        """The ids of what it became."""
        done = self.run("message", "send", "-t", f"user:{whom}", *words, "--json")
        assert done.returncode == 0, done.stdout
        return [id_ for one in json.loads(done.stdout)["messages"] for id_ in one["message_ids"]]

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stdout
        return dict(shaped(json.loads(done.stdout)))

    def recall(self, *words: str, code: int = 0) -> dict[str, Any]:
        return self.json("sent", *words, "--recall", "--yes", code=code)

    def undone(self) -> list[str]:
        return [one["msg_id"] for one in self.zalo.since(0) if one["kind"] == "undone"]


def results(told: dict[str, Any]) -> list[str]:
    return [one["result"] for one in told["messages"]]


@pytest.fixture
def config_text() -> str:
    return config()


@pytest.fixture
def desk(linked: Operator, zalo: Simulator, gateway: Gateway) -> Desk:
    listening(gateway)
    return Desk(linked, zalo, gateway)


@pytest.mark.long
def test_what_left_is_taken_back_newest_first_under_a_pause_and_under_outbound_off(
    desk: Desk, state: Path, tmp_path: Path
) -> None:
    pictures = []
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png())
        pictures += ["--media", str(tmp_path / name)]
    [first] = desk.send(desk.lan, "một")
    album = desk.send(desk.hung, *pictures)
    [last] = desk.send(desk.lan, "ba")
    desk.run("message", "react", "-t", f"user:{desk.lan}", "--message-id", first, "--emoji", "HEART")
    dry = desk.run("sent", "--since", "1h", "--recall", "--dry-run")
    assert (dry.returncode, desk.undone()) == (0, [])
    assert "Dry run: 3 messages would be taken back." in dry.stdout

    assert desk.run("pause").returncode == 0
    told = desk.recall("--since", "1h", "--limit", "2")
    assert results(told) == ["not_a_message", "recalled", "recalled"]
    assert (desk.undone(), told["more"]) == ([last, *album], True)
    desk.run("resume")
    (state / "config.json5").write_text(config("off"))
    desk.gateway.said("config")
    told = desk.recall("--thread", f"user:{desk.lan}")
    assert sorted(results(told)) == ["already_recalled", "not_a_message", "recalled"]
    assert desk.undone() == [last, *album, first]

    told = desk.recall("--since", "1h")
    assert sorted(results(told)) == [*["already_recalled"] * 3, "not_a_message"]
    listed = desk.json("sent", "--since", "1h")["messages"]
    gone = [one for one in listed if one["kind"] not in ("reaction", "undo")]
    assert [(one["taken_back"], one["text"]) for one in gone] == [(True, "")] * 3
    entries = desk.json("audit", "show", "--kind", "send")["entries"]
    named = [one["details"]["takes_back"] for one in entries if "takes_back" in one["details"]]
    assert named == [last, *album, first]
    assert desk.run("audit", "verify").returncode == 0


@pytest.mark.long
def test_refusals_are_told_in_the_platforms_words_and_three_in_a_row_end_the_run(desk: Desk) -> None:
    ids = [desk.send(desk.lan, text)[0] for text in ("một", "hai", "ba", "bốn", "năm", "sáu")]
    assert results(desk.recall("--since", "1h", "--limit", "1")) == ["recalled"]  # it was seen working once
    desk.zalo.do("/fault", does="error", call="undo", code=114, layer="inner", times=3)
    done = desk.run("sent", "--since", "1h", "--recall", "--yes")
    assert (done.returncode, desk.undone()) == (1, ids[:-2:-1])
    assert "Taken back: 0 of 5." in done.stdout
    assert "Stopped: 3 in a row could not be taken back" in done.stdout
    assert "Not tried: 2" in done.stdout
    desk.zalo.do("/fault", does="error", call="undo", code=114, layer="inner", times=1)
    told = desk.recall("--since", "1h", code=1)
    assert [one for one in results(told) if one != "already_recalled"] == ["refused", *["recalled"] * 4]
    assert any("114" in (one["reason"] or "") for one in told["messages"])
    assert desk.undone() == [ids[-1], *ids[-3::-1]]


@pytest.mark.long
def test_two_refusals_before_it_was_seen_working_switch_it_off_and_the_rest_says_so(desk: Desk) -> None:
    for text in ("một", "hai", "ba"):
        desk.send(desk.lan, text)
    desk.zalo.do("/fault", does="error", call="undo", code=114, layer="inner", times=2)
    told = desk.recall("--since", "1h", code=1)
    assert results(told) == ["refused", "refused", "cannot_be_recalled"]
    assert "--enable undo" in told["messages"][2]["reason"]
    assert desk.run("channels", "capabilities", "--enable", "undo").returncode == 0
    assert results(desk.recall("--since", "1h")) == ["recalled"] * 3


@pytest.mark.long
@pytest.mark.parametrize("processed", [False, True])
def test_after_a_kill_the_store_knows_what_is_gone_and_a_second_run_goes_on(
    desk: Desk, *, processed: bool
) -> None:
    ids = [desk.send(desk.lan, text)[0] for text in ("một", "hai", "ba")]
    desk.zalo.do("/fault", does="slow", call="undo", seconds=0.0, processed=True)
    desk.zalo.do("/fault", does="slow", call="undo", seconds=60.0, processed=processed)
    command = desk.operator.command("sent", "--since", "1h", "--recall", "--yes", "--json")
    with running(command, desk.operator.env, subprocess.STDOUT) as run:
        for _ in range(2):
            desk.zalo.wait("meddled")
        desk.gateway.kill()
        assert run.stdout is not None
        told = json.loads(run.stdout.read())
        assert run.wait(60) == 1
    assert results(told)[0] == "recalled"
    assert results(told)[1] == "unknown"
    assert results(told)[2] == "not_tried"
    listening(desk.gateway)
    told = desk.recall("--since", "1h")
    assert set(results(told)) <= {"already_recalled", "recalled"}
    assert results(told)[0] == "already_recalled"
    assert desk.undone() == ids[::-1]
    assert desk.run("outbox", "list").stdout.startswith("Nothing waits")


@pytest.mark.long
@pytest.mark.parametrize(
    "config_text", [config(pacing="{ gap: '0s', thread: { hour: 3, day: 3 }, account: { day: 3 } }")]
)
def test_budgets_of_a_day_that_are_used_up_do_not_keep_what_is_wrong(desk: Desk) -> None:
    for text in ("một", "hai", "ba"):
        desk.send(desk.lan, text)
    held = desk.run("message", "send", "-t", f"user:{desk.lan}", "bốn")
    assert (held.returncode, "held: pacing." in held.stdout) == (2, True)
    assert results(desk.recall("--since", "1h")) == ["recalled"] * 3


@pytest.mark.long
def test_a_terminal_is_asked_and_what_makes_no_sense_is_one_line(desk: Desk) -> None:
    [only] = desk.send(desk.lan, "một")
    number = desk.json("sent")["messages"][0]["number"]
    with terminal(desk.operator.command("sent", str(number), "--recall"), desk.operator.env) as asked:
        asked.shows("1 message in 1 conversation", "Take them back?")
        asked.press("n", "\r")
        asked.shows("nothing was taken back")
    for words, told in (
        (("--recall",), "no message to take back is named"),
        (("--since", "1h", "--recall"), "nobody can be asked"),
        (("--yes",), "add --recall"),
        (("12", "--since", "1h"), "NUMBERs say already which messages"),
        (("999", "--recall", "--yes"), "has the number 999"),
        (("--since", "soon", "--recall", "--yes"), "--since"),
    ):
        done = desk.run("sent", *words)
        assert (done.returncode, done.stdout.count("\n")) == (1, 1), done.stdout
        assert told in done.stdout
    assert desk.undone() == []
    desk.gateway.stop()
    told = desk.recall(str(number), code=1)
    assert (results(told), "not running" in told["stopped"]) == (["not_tried"], True)
    listening(desk.gateway)
    assert results(desk.recall(str(number))) == ["recalled"]
    assert desk.undone() == [only]


@pytest.mark.long
def test_what_is_gone_by_the_time_the_operator_agrees_was_already_taken_back(desk: Desk) -> None:
    ids = [desk.send(desk.lan, text)[0] for text in ("một", "hai")]
    with terminal(desk.operator.command("sent", "--since", "1h", "--recall"), desk.operator.env) as asked:
        asked.shows("2 messages in 1 conversation", "Take them back?")
        done = desk.run("message", "undo", "--message-id", ids[1])
        assert done.returncode == 0, done.stdout
        asked.press("y", "\r")
        asked.shows("was already taken back")
        assert asked.ended() == 0
    assert desk.undone() == ids[::-1]
