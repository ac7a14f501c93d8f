"""What is proven: seen to work on this account, refused by the platform, and switched off by that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Record, Simulator
from end_to_end.steps import account, asked, listening, person, say, until
from end_to_end.test_reply_media import M4A, png

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open', groups: { '*': { requireMention: false } },
    pacing: { enabled: false }, resendUnknown: 'when-absent', lookUpGap: '1s',
} } }
"""
NO = {"does": "error", "code": 114, "layer": "inner"}
TWICE = "is switched off: the platform refused it 2 times"
FIRST = "is used for the first time"


class Lane:
    """A logged-in account that answers everybody with an echo, and a group with two people."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Gateway, state: Path) -> None:
        self.operator, self.zalo, self.gateway, self.state = operator, zalo, gateway, state
        self.log: list[str] = []
        self.lan, self.binh = person(zalo, "Lan"), person(zalo, "Trần Bình")
        me = zalo.world()["accounts"][0]["uid"]
        self.group = str(zalo.do("/group", name="Việc", members=[me, self.lan, self.binh])["gid"])
        (state / "config.json5").write_text(CONFIG)
        listening(gateway)
        looked_up = ("directory", "groups", "members", "--channel", "zalouser", "--group-id", self.group)
        assert operator.run(*looked_up).returncode == 0

    def again(self) -> None:
        """The gateway is killed, and started anew."""
        self.gateway.kill()
        self.log += self.gateway.printed()
        listening(self.gateway)

    def refuse(self, call: str, times: int = 1) -> None:
        self.zalo.do("/fault", **NO, call=call, times=times)

    def send(self, *words: str, to: str = "") -> int:
        return self.operator.run("message", "send", "--target", to or f"user:{self.lan}", *words).returncode

    def sent(self) -> Record:
        return self.zalo.wait("sent")

    def ability(self, name: str) -> dict[str, Any]:
        proven = asked(self.operator, "channels", "capabilities")["proven"]
        [found] = [one for one in proven if one["name"] == name]
        return dict(found)

    def off(self) -> list[str]:
        """What is off, as status, its problems, doctor and `capabilities` say alike."""
        names = [one["name"] for one in account(self.operator)["abilities_off"]]
        problems = [one for one in account(self.operator)["problems"] if one["code"] == "ability_off"]
        proven = asked(self.operator, "channels", "capabilities")["proven"]
        findings = json.loads(self.operator.run("doctor", "--json").stdout)["findings"]
        doctored = [one["fix"] for one in findings if one["code"] == "ability_off"]
        assert names == [one["name"] for one in proven if one["off"]]
        assert [one["command"].rpartition(" ")[2] for one in problems] == names
        assert [fix.rpartition(" ")[2] for fix in doctored] == names
        return names

    def switch(self, how: str, name: str) -> dict[str, Any]:
        return asked(self.operator, "channels", "capabilities", f"--{how}", name)

    def told(self, words: str) -> int:
        """How often the log says something, over all starts."""
        return sum(words in line for line in (*self.log, *self.gateway.printed()))


@pytest.fixture
def lane(linked: Operator, zalo: Simulator, recording: Gateway, state: Path) -> Lane:
    return Lane(linked, zalo, recording, state)


def test_mentions_are_left_out_after_two_refusals_and_no_text_is_lost(lane: Lane) -> None:
    group = f"group:{lane.group}"
    for number in (1, 2):
        lane.refuse("mention")
        assert lane.send("@Trần Bình ơi", to=group) == 0
        sent = lane.sent()
        assert (sent["text"], sent["mentions"]) == ("@Trần Bình ơi", [])
        assert lane.ability("mentions")["refusals"] == number
        lane.again()
    assert lane.told(TWICE) == 1
    assert lane.off() == ["mentions"]
    assert lane.send("@Trần Bình à", to=group) == 0
    assert (sent := lane.sent())["mentions"] == []
    assert sent["text"] == "@Trần Bình à"
    assert lane.told(f"mentions in texts {FIRST}") == 1
    lane.again()
    assert lane.switch("enable", "mentions")["changed"]
    assert not lane.switch("enable", "mentions")["changed"]
    assert lane.off() == []
    assert lane.send("@Trần Bình ạ", to=group) == 0
    assert [one["uid"] for one in lane.sent()["mentions"]] == [lane.binh]
    found = lane.ability("mentions")
    assert (found["refusals"], bool(found["seen_ms"]), found["off"]) == (0, True, None)
    lane.refuse("mention", 3)  # about these messages: that mentions work has been seen
    for _ in range(3):
        assert lane.send("@Trần Bình nhé", to=group) == 1
    assert lane.off() == []
    log = [one for one in asked(lane.operator, "audit", "show")["entries"] if one["what"].startswith("capab")]
    assert [(one["who"], one["details"]["ability"], one["details"]["on"]) for one in log] == [
        ("cli", "mentions", True)
    ]


def test_a_refusal_that_is_about_the_person_is_none_of_mentions(lane: Lane) -> None:
    lane.zalo.do("/fault", **NO, call="send text", times=4)
    for _ in range(2):
        assert lane.send("@Trần Bình ơi", to=f"group:{lane.group}") == 1
    assert lane.ability("mentions")["refusals"] == 0
    assert lane.off() == []


def test_an_album_leaves_as_pictures_and_a_voice_message_as_a_file(lane: Lane, tmp_path: Path) -> None:
    names = []
    for size in (1, 2, 3):
        (picture := tmp_path / f"{size}.png").write_bytes(png(size))
        names += ["--media", str(picture)]
    (voice := tmp_path / "a.m4a").write_bytes(M4A)
    for _ in range(2):
        lane.refuse("send photo")
        lane.send(*names)
        shown = [lane.sent() for _ in range(3)]
        assert sorted(one["params"]["width"] for one in shown) == [1, 2, 3]
        lane.refuse("send media")
        assert lane.send("--media", str(voice)) == 0
        assert lane.sent()["msg_type"] == "share.file"
        lane.again()
    assert lane.off() == ["album", "voice"]
    assert lane.send(*names) == 0
    assert [lane.sent()["params"]["width"] for _ in range(3)] == [1, 2, 3]
    assert lane.send("--media", str(voice)) == 0
    assert lane.sent()["msg_type"] == "share.file"
    lane.again()
    assert asked(lane.operator, "outbox", "list")["messages"] == []
    assert not [path for path in (lane.state / "outgoing").rglob("*") if path.is_file()]


def test_taking_back_refuses_with_the_reason_until_it_is_switched_on(lane: Lane) -> None:
    ids = []
    for text in ("một", "hai", "ba"):
        assert lane.send(text) == 0
        ids.append(str(lane.sent()["msg_id"]))
    undo = ("message", "undo", "--target", f"user:{lane.lan}", "--message-id")
    lane.refuse("undo", 2)
    for id_ in ids[:2]:
        assert lane.operator.run(*undo, id_).returncode == 1
        lane.again()
    assert lane.off() == ["undo"]
    refused = lane.operator.run(*undo, ids[2])
    assert refused.returncode == 1
    assert "taking messages back is switched off" in " ".join((refused.stdout).split())
    assert lane.switch("enable", "undo")["on"]
    assert lane.operator.run(*undo, ids[2]).returncode == 0
    assert lane.zalo.wait("undone")["msg_id"] == ids[2]
    assert lane.ability("undo")["seen_ms"]
    assert lane.told(f"taking messages back {FIRST}") == 1


def test_what_may_not_have_arrived_waits_for_a_decision_after_two_refused_resends(lane: Lane) -> None:
    for _ in range(2):
        say(lane.zalo, lane.binh, "trước")  # which look-ups will show
        assert lane.sent()["text"] == "echo: trước"
        lane.zalo.do("/fault", does="reset", call="send text")
        say(lane.zalo, lane.lan, "mất")
        lane.gateway.said("may or may not have arrived")
        lane.refuse("send text")
        lane.gateway.said("did not arrive and are sent again")
        lane.gateway.said("was refused")
        lane.again()
    assert lane.off() == ["resending"]
    lane.zalo.do("/fault", does="reset", call="send text")
    say(lane.zalo, lane.lan, "mất nữa")
    lane.gateway.said("may or may not have arrived")
    lane.again()
    [stuck] = asked(lane.operator, "outbox", "list")["messages"]
    assert stuck["needs_decision"]
    assert lane.operator.run("outbox", "drop", str(stuck["id"])).returncode == 0


def test_what_others_delete_can_be_left_as_it_is(lane: Lane) -> None:
    first, second, third = (say(lane.zalo, lane.lan, text) for text in ("một", "hai", "ba"))
    for _ in range(3):
        lane.sent()
    lane.zalo.do("/undo", **{"from": lane.lan}, message=first)
    lane.gateway.said(f"deletions by others {FIRST}")
    until(lambda: lane.ability("recalls")["seen_ms"] is not None)  # it is logged before it is stored
    assert lane.switch("disable", "recalls")["instead"] == "what others delete stays as it is"
    lane.zalo.do("/undo", **{"from": lane.lan}, message=second)
    say(lane.zalo, lane.lan, "bốn")
    lane.sent()
    assert [asked(lane.operator, "why", one)["messages"][0]["recalled"] for one in (first, second)] == [
        "recalled by its author",
        None,
    ]
    lane.switch("enable", "recalls")
    lane.zalo.do("/undo", **{"from": lane.lan}, message=third)
    say(lane.zalo, lane.lan, "năm")
    lane.sent()
    assert asked(lane.operator, "why", third)["messages"][0]["recalled"]
    assert lane.told(f"deletions by others {FIRST}") == 1


def test_live_traffic_proves_what_works_and_a_simulator_nothing_of_the_platform(lane: Lane) -> None:
    message = say(lane.zalo, lane.lan, "chào")
    assert lane.sent()["text"] == "echo: chào"
    react = ("message", "react", "--target", f"user:{lane.lan}", "--message-id", message, "--emoji", "HEART")
    assert lane.operator.run(*react).returncode == 0
    say(lane.zalo, lane.lan, "@Nguyễn Minh Anh ơi", group=lane.group, mentions=["Nguyễn Minh Anh"])
    lane.sent()
    found = asked(lane.operator, "channels", "capabilities")
    seen = {one["name"] for one in found["proven"] if one["seen_ms"]}
    assert seen >= {"login", "read-direct", "read-group", "read-mention", "text", "reaction", "typing"}
    assert seen >= {"delivered", "seen", "echo"}
    assert not seen & {"album", "undo", "voice", "resending", "takeover", "recalls", "video"}
    assert found["rehearsal"]
    lane.gateway.stop()
    real = {name: value for name, value in lane.operator.env.items() if not name.startswith("ZALOWEB_")}
    there = asked(Operator(real), "channels", "capabilities")
    assert not there["rehearsal"]
    assert not [one for one in there["proven"] if one["seen_ms"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--enable", "magic"), "'magic' is no ability"),
        (("--disable", "text"), "'text' cannot be switched off and on"),
        (("--disable", "takeover"), "takeovers are switched off in the config"),
        (("--enable", "undo", "--disable", "album"), "exclude each other"),
    ],
)
def test_a_name_that_cannot_be_switched_is_told(linked: Operator, words: tuple[str, ...], told: str) -> None:
    done = linked.run("channels", "capabilities", *words)
    assert done.returncode != 0
    assert told in " ".join((done.stdout).split())
