"""Pairing over the wire: strangers beside a friend, rejections, names, texts, and friends lists that lie."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Record, Simulator
from end_to_end.steps import listening, person, say

SKEWED = Path(__file__).with_name("clock_gateway.py")
HOUR = 3600


class Listened(Gateway):
    """A gateway of which a test can hear the same words again."""

    def lines_with(self, words: str, count: int) -> list[str]:
        """The lines with these words, once there are so many."""

        def found() -> list[str]:
            return [line for line in self._lines if words in line]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, PATIENCE), f"not {count} times: {words}"
            return found()


class Door:
    """A logged-in account under `dmPolicy: 'pairing'`, whose machine's clock a test may set."""

    def __init__(self, operator: Operator, zalo: Simulator, gateway: Listened, state: Path) -> None:
        self.operator = operator
        self.zalo = zalo
        self.gateway = gateway
        self.state = state

    def configure(self, pairing: str = "", block: str = "") -> None:
        settings = f"dmPolicy: 'pairing', pairing: {{ {pairing} }}, pacing: {{ enabled: false }}, {block}"
        (self.state / "config.json5").write_text(f"{{ channels: {{ zalouser: {{ {settings} }} }} }}")

    def start(self, hours: float = 0, friends: str = " friends") -> None:
        """Start the gateway on a machine whose clock is so many hours ahead."""
        clock = self.state.with_name("clock")
        clock.write_text(str(hours * HOUR))
        self.operator.env["CLOCK_FILE"] = str(clock)
        listening(self.gateway)
        self.gateway.said(friends)

    def person(self, name: str, *, friend: bool = False) -> str:
        return person(self.zalo, name, friend=friend)

    def says(self, sender: str, text: str = "chào") -> str:
        """The reason of the decision about what somebody writes."""
        words = f" {sender} in dm:{sender}: "
        before = len([line for line in self.gateway.printed() if words in line])
        say(self.zalo, sender, text)
        line = self.gateway.lines_with(words, before + 1)[-1]
        return line.partition(words)[2].partition(";")[0].strip()

    def challenge(self, sender: str) -> Record:
        return self.zalo.wait("sent", lambda one: one["thread_id"] == sender)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.operator.run("pairing", *words)

    def typed(self, answer: str, *words: str) -> int:
        """How a command ends for somebody at a terminal who answers its question."""
        ours, theirs = pty.openpty()
        command = self.operator.command("pairing", *words)
        with subprocess.Popen(
            command, env=self.operator.env, stdin=theirs, stdout=DEVNULL, stderr=DEVNULL
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            code = process.wait(PATIENCE)
        os.close(ours)
        os.close(theirs)
        return code

    def waiting(self) -> dict[str, dict[str, Any]]:
        told = json.loads(self.run("list", "zalouser", "--json").stdout)
        return {one["sender_id"]: one for one in told["requests"]}

    def sent_to(self, sender: str) -> int:
        return len(
            [one for one in self.zalo.since(0) if one["kind"] == "sent" and one["thread_id"] == sender]
        )


@pytest.fixture
def door(linked: Operator, zalo: Simulator, state: Path) -> Iterator[Door]:
    with Listened(linked, [sys.executable, str(SKEWED)]) as gateway:
        made = Door(linked, zalo, gateway, state)
        made.configure()
        yield made
        print("\n".join(gateway.printed()))


@pytest.mark.long
def test_three_hourly_strangers_beside_a_friend_and_a_newcomer(door: Door) -> None:
    hourly = [door.person(f"Lạ {number}") for number in range(3)]
    friend, newcomer = door.person("Bạn Mới", friend=True), door.person("Khách")
    for hours in (-4, -2):
        door.start(hours)
        assert [door.says(one) for one in hourly] == ["dm_pairing_required"] * 3
        door.gateway.stop()
    door.start()
    assert [door.says(one) for one in hourly] == ["dm_pairing_required"] * 3
    assert door.says(friend) == "dm_pairing_required"
    assert door.says(newcomer) == "dm_pairing_required"
    code = door.waiting()[newcomer]["code"]
    assert code in door.challenge(newcomer)["text"]
    assert next(iter(door.waiting())) == friend, "friends come first"
    assert len(door.waiting()) == 4
    assert [one for one in hourly if door.says(one) == "dm_pairing_full"]
    assert door.run("approve", "zalouser", door.waiting()[friend]["code"]).returncode == 0


@pytest.mark.long
def test_a_rejection_frees_the_place_and_holds_over_restarts_and_expiry(door: Door) -> None:
    strangers = [door.person(f"Lạ {number}") for number in range(4)]
    door.start(-2)
    for one in strangers[:3]:
        door.says(one)
    assert door.says(strangers[3]) == "dm_pairing_full"
    code = door.waiting()[strangers[0]]["code"]
    told = door.run("reject", "zalouser", code.lower())
    assert told.returncode == 0
    assert f"Lạ 0 ({strangers[0]})" in told.stdout
    assert f"openclaw pairing reject zalouser {strangers[0]} --unblock" in told.stdout
    assert door.says(strangers[0]) == "dm_rejected"
    assert door.says(strangers[3]) == "dm_pairing_required"
    door.gateway.stop()

    assert door.run("reject", strangers[1], "--block").returncode == 0, "without a gateway, by id"
    assert strangers[1] in door.run("list", "zalouser", "--rejected").stdout
    explained = door.operator.run("policy", "explain", "--from", strangers[1])
    assert "drop (dm_rejected)" in explained.stdout
    door.start()
    assert [door.says(one) for one in strangers[:2]] == ["dm_rejected"] * 2
    assert door.sent_to(strangers[0]) == 1
    assert door.run("reject", "zalouser", strangers[0], "--unblock").returncode == 0
    assert door.says(strangers[0]) == "dm_pairing_required"
    assert door.run("reject", "zalouser", strangers[0], "--unblock").returncode == 1


@pytest.mark.long
def test_a_clock_that_is_set_back_a_day_does_not_make_a_code_live_for_a_day(door: Door) -> None:
    stranger = door.person("Lạ")
    door.start(0)
    door.says(stranger)
    code = door.waiting()[stranger]["code"]
    door.gateway.stop()
    door.start(-24)
    left = door.waiting()[stranger]
    assert left["expires_ms"] - left["created_ms"] == HOUR * 1000
    door.says(door.person("Ai Đó"))
    door.gateway.stop()
    door.start(-22.9)
    assert stranger not in door.waiting()
    assert door.run("approve", "zalouser", code).returncode == 1


def test_a_stranger_with_a_friends_name_is_marked_and_approving_asks(door: Door) -> None:
    friend = door.person("Đặng Thị Hoa", friend=True)
    stranger = door.person("dang  thi hoa")
    door.start()
    door.says(stranger)
    assert f"NO, has the name of Đặng Thị Hoa ({friend})" in " ".join(
        door.run("list", "zalouser").stdout.split()
    )
    request = door.waiting()[stranger]
    assert (request["is_friend"], request["namesake_id"]) == (False, friend)
    refused = door.run("approve", "zalouser", request["code"])
    assert refused.returncode == 1
    assert len(refused.stdout.splitlines()) == 1
    assert "--yes" in refused.stdout
    assert door.typed("n", "approve", "zalouser", request["code"]) == 1
    assert stranger in door.waiting()
    assert door.typed("y", "approve", "zalouser", request["code"]) == 0
    again = door.person("Đặng Thị Hoa")
    door.says(again)
    assert door.run("approve", "zalouser", door.waiting()[again]["code"], "--yes").returncode == 0


def test_the_text_is_in_the_language_of_the_account_and_can_be_written(door: Door) -> None:
    one, other = door.person("Một"), door.person("Hai")
    door.start()
    door.says(one)
    text = door.challenge(one)["text"]
    assert "Mã ghép nối" in text
    assert "Your pairing code" not in text
    assert "openclaw" not in text
    assert one in text
    assert door.waiting()[one]["code"] in text
    door.gateway.stop()
    door.configure("text: 'Xin chào {id}, mã: {code}. {command}'")
    door.start()
    door.says(other)
    code = door.waiting()[other]["code"]
    wanted = f"Xin chào {other}, mã: {code}. openclaw pairing approve zalouser {code}"
    assert door.challenge(other)["text"] == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mã {code} cho {name}", "{name} is not a placeholder"),
        ("{code!r} {code}", "{code!r} is not a placeholder"),
        ("xin chờ", "must contain {code}"),
        ("", "must contain {code}"),
    ],
)
def test_a_text_that_cannot_be_sent_is_a_config_error(door: Door, text: str, words: str) -> None:
    door.configure(f"text: '{text}'")
    done = door.operator.run("config", "validate")
    assert done.returncode == 1
    assert "channels.zalouser.pairing.text" in done.stdout
    assert words in done.stdout


def test_what_is_missing_is_said(door: Door) -> None:
    for words in (
        ("approve", "zalouser"),
        ("approve", "zlu"),
        ("approve",),
        ("approve", "@openclaw/zalouser"),
    ):
        told = door.run(*words)
        assert told.returncode == 1
        assert "the code is missing: openclaw pairing approve" in told.stdout
        assert len(told.stdout.splitlines()) == 1
    assert "the sender's id is missing" in door.run("revoke", "zalouser").stdout
    assert "the code or the sender's id is missing" in door.run("reject", "zalouser").stdout
    assert "no pending request" in door.run("reject", "zalouser", "ABCD2345").stdout


@pytest.mark.long
def test_friends_stay_friends_when_the_list_is_suddenly_short_or_empty(door: Door) -> None:
    """Under `friends-silent` nobody who was a friend is sent a code, and no name is pinned to nobody."""
    friends = [door.person(f"Bạn {number}", friend=True) for number in range(6)]
    stranger = door.person("Lạ")
    door.configure("reply: 'friends-silent'")
    door.start(friends="has 8 friends")
    assert door.says(stranger) == "dm_pairing_required"
    door.gateway.stop()
    people = [str(one["uid"]) for one in door.zalo.world()["people"] if one["friendOf"]]
    for gone, told in ((people[2:], "lists 2 friends"), (people[:2], "lists 0 friends")):
        for one in gone:
            door.zalo.do("/unfriend", person=one)
        door.start(friends=told)
        assert door.says(friends[0]) == "dm_pairing_silent"
        assert door.says(door.person("Ai Đó")) == "dm_pairing_silent", "unknown counts as friend"
        door.gateway.stop()
    assert all(door.sent_to(one) == 0 for one in friends)


@pytest.mark.long
def test_no_name_is_pinned_to_nobody_by_a_list_that_cannot_be_right(door: Door) -> None:
    friend, stranger = door.person("Bạn", friend=True), door.person("Lạ")
    door.start(friends="has 3 friends")
    door.gateway.stop()
    for one in door.zalo.world()["people"]:
        if one["friendOf"]:
            door.zalo.do("/unfriend", person=one["uid"])
    door.configure(block="allowFrom: ['Bạn']")
    door.start(friends="lists 0 friends")
    door.gateway.said("names not looked up: the platform told no friends where 3 are known")
    door.gateway.said("again in 16 s", 2 * PATIENCE)  # after 1, 2, 4 and 8
    door.gateway.said("continues without all names")
    assert door.says(stranger) == "dm_pairing_required"
    status = json.loads(door.operator.run("channels", "status", "--json").stdout)
    assert status["channels"]["zalouser"]["accounts"]["zalouser/default"]["names"] == []
    door.gateway.stop()
    door.zalo.do("/befriend", person=friend)
    door.zalo.do("/befriend", person="Trần Thị Lan")
    door.start(friends="has 2 friends")
    door.gateway.said(f"'Bạn' is pinned to {friend}")


def test_an_account_without_friends_or_groups_comes_up(door: Door) -> None:
    for one in door.zalo.world()["people"]:
        if one["friendOf"]:
            door.zalo.do("/unfriend", person=one["uid"])
    door.start(friends="lists 0 friends")
    stranger = door.person("Lạ")
    assert door.says(stranger) == "dm_pairing_required"
    assert door.waiting()[stranger]["is_friend"] is None


@pytest.mark.long
def test_a_store_that_is_gone_is_refused_until_it_is_reset(door: Door) -> None:
    door.start()
    door.says(door.person("Lạ"))
    door.gateway.stop()
    store, marker = door.state / "store.sqlite", (door.state / "store.id").read_text()
    assert "would forget" in door.operator.run("store", "reset").stdout
    store.rename(door.state / "elsewhere")
    for command in (("gateway", "run"), ("pairing", "approve", "zalouser", "ABCD2345"), ("pause",)):
        done = door.operator.run(*command)
        assert done.returncode == 1
        assert "is missing" in done.stdout
        assert len([line for line in done.stdout.splitlines() if "error:" in line]) == 1
    told = json.loads(door.operator.run("doctor", "--json").stdout)
    assert [one for one in told["findings"] if one["code"] == "store_unusable"]
    assert not store.exists()
    assert door.operator.run("store", "reset", "--forget").returncode == 0
    door.start()
    door.gateway.said("dm_pairing_held")
    assert (door.state / "store.id").read_text() != marker
