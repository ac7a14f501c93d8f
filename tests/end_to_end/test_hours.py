"""Quiet hours and warm-up over the wire, on a machine whose clock is turned, with kill -9 in between."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from demo.model_server import ModelServer
from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import ACCEPT, account, all_sent, asked, listening, log_in, person, say
from end_to_end.test_drafts import drafted
from end_to_end.test_tools import acts, configured, script

pytestmark = pytest.mark.long

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = 86_400
QUIET = (
    "{ timezone: 'Asia/Ho_Chi_Minh', channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'],"
    " pacing: { gap: '0s', gapJitter: '0s' },"
    " quietHours: { from: '22:00', to: '07:00', do: '%s' } } } }"
)
WARM = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: %s } } }"


class Host:
    """The machine of the gateway, and the clock on its wall."""

    def __init__(self, operator: Operator, folder: Path) -> None:
        self._operator = operator
        self._clock = folder / "clock"
        self.set_ahead(0)
        operator.env["CLOCK_FILE"] = str(self._clock)

    def set_ahead(self, seconds: float) -> None:
        changed = self._clock.with_suffix(".new")
        changed.write_text(str(seconds))
        os.replace(changed, self._clock)
        self._ahead = seconds

    def set_to(self, hour: int) -> None:
        """The next time that it is so late in Saigon by this clock."""
        now = datetime.now(UTC) + timedelta(seconds=self._ahead)
        then = now.astimezone(SAIGON).replace(hour=hour, minute=0, second=1, microsecond=0)
        then += timedelta(days=1 if then <= now else 0)
        self.set_ahead(self._ahead + (then - now).total_seconds())

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        """A gateway that is killed in the end."""
        script = str(Path(__file__).with_name("clock_gateway.py"))
        with Gateway(self._operator, [sys.executable, script]) as gateway:
            listening(gateway)
            yield gateway
            gateway.kill()
            print("\n".join(gateway.printed()))


@pytest.fixture
def host(linked: Operator, tmp_path: Path) -> Host:
    return Host(linked, tmp_path)


def held(operator: Operator, count: int = 1) -> list[dict[str, Any]]:
    """What the status says is held, once it is so much."""
    ends = time.monotonic() + 60
    while len(found := account(operator)["held"]) < count:
        assert time.monotonic() < ends, "nothing is held"
        time.sleep(0.2)
    return list(found)


def signals(zalo: Simulator) -> set[str]:
    return {one["kind"] for one in zalo.since(0)} & {"typing", "seen", "delivered"}


@pytest.mark.parametrize("config_text", [QUIET % "hold"])
def test_at_night_replies_wait_and_in_the_morning_they_leave(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    binh = person(zalo)
    host.set_to(23)
    with host.running():
        say(zalo, binh, "còn thức không?")
        [reply] = held(linked)
        assert reply["reason"] == "quiet hours"
        until = datetime.fromtimestamp(reply["until_ms"] / 1000, SAIGON)
        assert (until.hour, until.minute, until.second) == (7, 0, 0)
        assert account(linked)["quiet"] == {"do": "hold", "until_ms": reply["until_ms"]}
        shown = linked.run("channels", "status").stdout
        assert "quiet hours until 07:00: replies wait" in shown
        assert f"quiet hours · until {until:%Y-%m-%d} 07:00:00" in shown
        assert f"quiet hours until {until:%Y-%m-%d} 07:00:00" in linked.run("outbox", "list").stdout
        assert "quiet hours until" in linked.run("why", "--last", "1").stdout
        sent = asked(linked, "message", "send", "--target", f"user:{binh}", "by hand")
        assert sent["warnings"] == ["quiet_hours"]
    with host.running():
        assert held(linked)[0]["reason"] == "quiet hours"
        assert all_sent(zalo) == ["by hand"]
        assert signals(zalo) == set()
        host.set_to(7)
        say(zalo, binh, "chào buổi sáng")
        zalo.wait("sent", lambda record: record["text"] == "chào buổi sáng")
    assert all_sent(zalo) == ["by hand", "còn thức không?", "chào buổi sáng"]
    assert signals(zalo) != set()


@pytest.mark.parametrize("config_text", [QUIET % "drop"])
def test_replies_of_a_night_that_drops_them_are_never_sent(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    binh = person(zalo)
    host.set_to(23)
    with host.running() as gateway:
        say(zalo, binh, "còn thức không?")
        gateway.said("is not sent: quiet hours")
        assert account(linked)["quiet"]["do"] == "drop"
    with host.running():
        host.set_to(7)
        say(zalo, binh, "chào buổi sáng")
        zalo.wait("sent", lambda record: record["text"] == "chào buổi sáng")
        assert "quiet_hours" in linked.run("why", "--last", "2").stdout
    assert all_sent(zalo) == ["chào buổi sáng"]


@pytest.mark.parametrize(
    ("config_text", "flags"),
    [
        (WARM % "{ warmUp: true, gap: '0s', gapJitter: '0s' }", ()),
        (WARM % "{ enabled: false }", ("--expendable", "no")),
    ],
)
def test_a_new_session_begins_slowly_and_is_free_after_a_week(
    installed: Operator, zalo: Simulator, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    assert log_in(installed, zalo, ACCEPT, *flags).returncode == 0
    host = Host(installed, tmp_path)
    people = [person(zalo, f"Bạn {number}") for number in range(6)]
    with host.running():
        for number in range(5):
            say(zalo, people[number], f"chào {number}")
        [reply] = held(installed)
        assert reply["reason"] == "pacing.warmUp day 1 of 7 (minute: 4)"
        assert account(installed)["warm_up"] == {"day": 1, "days": 7, "replies": 4, "limit": 10}
        assert "day 1 of 7: 4 of 10 replies in 24 h" in installed.run("channels", "status").stdout
    with host.running():
        assert account(installed)["warm_up"]["replies"] == 4
        host.set_ahead(1.5 * DAY)
        say(zalo, people[5], "chào 5")
        while len(all_sent(zalo)) < 6:  # threads side by side: whichever of the two leaves first
            zalo.wait("sent")
        assert account(installed)["warm_up"] == {"day": 2, "days": 7, "replies": 2, "limit": 21}
        host.set_ahead(6.5 * DAY)
        assert account(installed)["warm_up"] is None
    assert sorted(all_sent(zalo)) == [f"chào {number}" for number in range(6)]


APPROVE = (QUIET % "hold").replace("quietHours", "outbound: 'approve', quietHours")


@pytest.mark.parametrize("config_text", [APPROVE])
def test_a_draft_approved_at_night_under_a_pause_waits_for_both(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    binh = person(zalo)
    thread = f"dm:{binh}"
    host.set_to(23)
    with host.running() as gateway:
        say(zalo, binh, "còn thức không?")
        number = drafted(gateway, 1)
        assert linked.run("pause", "--thread", thread).returncode == 0
        told = " ".join(linked.run("drafts", "approve", number).stdout.split())
        assert f"A pause holds it; to go on: openclaw resume --channel zalouser --thread {thread}" in told
        assert "Quiet hours hold it until" in told
    with host.running():
        host.set_to(7)
        assert account(linked)["pauses"] != []
        assert all_sent(zalo) == []
    with host.running() as gateway:
        host.set_to(23)
        assert linked.run("resume", "--thread", thread).returncode == 0
        [reply] = held(linked)
        assert reply["reason"] == "quiet hours"
        assert all_sent(zalo) == []
    with host.running():
        host.set_to(7)
        assert zalo.wait("sent")["text"] == "còn thức không?"
    assert all_sent(zalo) == ["còn thức không?"]


@pytest.mark.parametrize("do", ["hold", "drop"])
def test_what_tools_send_at_night_waits_for_approval_and_then_for_the_morning(
    linked: Operator, zalo: Simulator, host: Host, state: Path, model: ModelServer, do: str
) -> None:
    lan = person(zalo, "Lan")
    night = [{"from": "22:00", "to": "07:00", "do": do}]
    configured(state, model, lan, outbound="approve", quietHours=night)
    config = state / "config.json5"
    config.write_text(config.read_text().replace("{", '{"timezone": "Asia/Ho_Chi_Minh", ', 1))
    model.script = script({"action": "send", "text": "Để em xem"}, {"action": "react", "icon": "❤️"})
    host.set_to(23)
    with host.running() as gateway:
        asked_one = say(zalo, lan, "mấy giờ rồi")
        drafted(gateway, 1)
        numbers = [str(one["number"]) for one in asked(linked, "drafts", "list")["drafts"]]
        assert len(numbers) == 3
        told = linked.run("drafts", "approve", *numbers)
        assert told.returncode == 0, told.stdout
        assert " ".join(told.stdout.split()).count("Quiet hours hold it until") == 3
        assert held(linked)[0]["reason"] == "quiet hours"
    with host.running():
        assert acts(zalo) == []
        host.set_to(7)
        zalo.wait("sent", lambda one: one["text"] == "xong")
    assert acts(zalo) == ["Để em xem", f"/-heart on {asked_one}", "xong"]


@pytest.mark.parametrize(
    ("config_text", "told"),
    [
        (
            APPROVE.replace("quietHours", f"ownerCommands: true, locale: '{locale}', quietHours"),
            words,
        )
        for locale, words in (
            ("en", ("Quiet hours hold it until", "07:00.", "A pause holds it; to go on: /resume")),
            ("vi", ("giờ yên lặng, đến", "07:00.", "bị giữ vì tạm dừng; để tiếp tục: /resume")),
        )
    ],
    ids=["en", "vi"],
)
def test_an_owner_who_approves_in_a_chat_is_told_what_holds_the_draft(
    linked: Operator, zalo: Simulator, host: Host, told: tuple[str, ...]
) -> None:
    own, binh = str(zalo.world()["accounts"][0]["uid"]), person(zalo)
    host.set_to(23)
    with host.running() as gateway:
        say(zalo, binh, "còn thức không?")
        number = drafted(gateway, 1)
        assert linked.run("pause").returncode == 0
        say(zalo, own, f"/draft {number} ok", to=own)
        answer = zalo.wait("sent")
        assert answer["thread_id"] == own
        assert all(one in answer["text"] for one in told), answer["text"]
    assert len(all_sent(zalo)) == 1


@pytest.mark.parametrize(
    "config_text",
    [
        (WARM % "{ warmUp: true, gap: '0s', gapJitter: '0s' }").replace(
            "pacing", "outbound: 'approve', pacing"
        )
    ],
)
def test_a_draft_that_the_warm_up_holds_is_said_to_wait(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    with host.running() as gateway:
        for number in range(5):
            say(zalo, person(zalo, f"Bạn {number}"), f"chào {number}")
        drafted(gateway, 5)
        numbers = [str(one["number"]) for one in asked(linked, "drafts", "list")["drafts"]]
        first = linked.run("drafts", "approve", *numbers[:4]).stdout
        assert "warm-up" not in first
        for _ in range(4):
            zalo.wait("sent")
        last = " ".join(linked.run("drafts", "approve", numbers[4]).stdout.split())
        assert "The warm-up of the new session holds it for now." in last
        assert held(linked)[0]["reason"] == "pacing.warmUp day 1 of 7 (minute: 4)"


def test_the_notice_of_an_approval_waits_for_the_warm_up_and_says_so(
    linked: Operator, zalo: Simulator, host: Host, state: Path
) -> None:
    friends = [person(zalo, f"Bạn {number}") for number in range(4)]
    stranger = person(zalo, "Kẻ Lạ", friend=False)
    text = (WARM % "{ warmUp: true, gap: '0s', gapJitter: '0s' }").replace("'open'", "'pairing'")
    (state / "config.json5").write_text(text.replace("['*']", str(friends)))

    def notices() -> list[str]:
        told = [str(one["text"]) for one in zalo.since(0) if one.get("thread_id") == stranger]
        return [text for text in told if "đã chấp thuận bạn" in text]

    with host.running():
        say(zalo, stranger, "cho vào với")
        zalo.wait("sent", lambda one: one["thread_id"] == stranger)
        for number in range(3):  # and the code counts, too
            say(zalo, friends[number], f"chào {number}")
            zalo.wait("sent", lambda one, number=number: one["text"] == f"chào {number}")
        [request] = asked(linked, "pairing", "list", "zalouser")["requests"]
        done = linked.run("pairing", "approve", "zalouser", request["code"], "--notify")
        assert done.returncode == 0, done.stdout
        told = " ".join(done.stdout.split())
        assert "warning: the person is told once the warm-up of the new session lets it leave" in told
        assert notices() == []
        [waits] = held(linked)
        assert waits["reason"].startswith("pacing.warmUp day 1 of 7")
    with host.running():
        assert notices() == []
        host.set_ahead(120)
        say(zalo, friends[3], "chào 3")
        zalo.wait("sent", lambda one: "đã chấp thuận bạn" in one["text"])
    assert len(notices()) == 1
