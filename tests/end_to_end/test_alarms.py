"""Alarms, each injected over the wire and forged by people: evidence, pause, restart, and the way back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.machine import Host
from end_to_end.steps import all_sent, asked, listening, log_in, person, say, status

pytestmark = pytest.mark.long

OPEN = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } } }"
ME = ("--channel", "zalouser", "--account", "default")
MINUTE = 60
HANGS_S = 180.0
"""More than three calls take that are never answered, each 30 seconds."""

ANSWERS = 5
"""Answers of Zalo until the gateway believes a time that is very different."""

SECURITY = "8299999999999999999"
WORDS = "Tài khoản của bạn đang sử dụng phần mềm của bên thứ ba trái phép."


@pytest.fixture
def config_text() -> str:
    return OPEN


def alarms(operator: Operator, *flags: str) -> list[dict[str, Any]]:
    return list(asked(operator, "alarms", "list", *flags)["alarms"])


def kinds(operator: Operator, *flags: str) -> list[str]:
    return [one["kind"] for one in alarms(operator, *flags)]


def answered(zalo: Simulator, text: str) -> None:
    zalo.wait("sent", lambda record: record["text"] == text)


def alarmed(gateway: Gateway, kind: str) -> None:
    gateway.said(f"alarm '{kind}'")


def holds_until_it_is_resumed(operator: Operator, zalo: Simulator, gateway: Gateway, kind: str) -> None:
    """Nothing leaves, over a crash too, and the alarm is neither forgotten nor repeated. Then `resume`."""
    before = [(one["id"], one["times"]) for one in alarms(operator)]
    assert kinds(operator) == [kind]
    lan = person(zalo, f"Lan {kind}")
    say(zalo, lan, "are you there?")
    gateway.kill()
    gateway.start()
    gateway.said("started in")
    code, told = status(operator)
    assert code == 4
    assert [one["reason"] for one in told["pauses"]] == [kind]
    assert [(one["id"], one["times"]) for one in alarms(operator)] == before
    assert "are you there?" not in all_sent(zalo)
    shown = operator.run("channels", "status").stdout
    assert f"because of the alarm '{kind}'" in shown
    assert f"openclaw help runbooks/{kind.replace('_', '-')}" in shown

    resumed = operator.run("resume", *ME)

    assert resumed.returncode == 0, resumed.stdout
    assert "Before it may write again" in resumed.stdout
    assert "is acknowledged" in resumed.stdout
    answered(zalo, "are you there?")
    assert kinds(operator) == []
    assert status(operator)[0] == 0
    assert [one["id"] for one in alarms(operator, "--all")] == [one for one, _ in before]


def test_a_warning_of_the_platform_mutes_the_account(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    told = zalo.do("/warn")
    alarmed(gateway, "platform_warning")
    (one,) = alarms(linked)
    assert one["evidence"]["sender"] == told["from"] == SECURITY
    assert one["evidence"]["message"] == told["msgId"]
    assert not one["seen"]
    assert WORDS not in json.dumps(one, ensure_ascii=False)
    assert WORDS in linked.run("why", str(told["msgId"])).stdout
    assert all_sent(zalo) == []
    holds_until_it_is_resumed(linked, zalo, gateway, "platform_warning")

    zalo.do("/warn", text="Cảnh báo lần hai")
    alarmed(gateway, "platform_warning")
    assert len(alarms(linked, "--all")) == 2


@pytest.mark.parametrize("friend", [True, False])
@pytest.mark.parametrize(
    "uid", ["", "829999999999999999", "82999999999999999991", "08299999999999999999", "8299999999999999998"]
)
def test_nobody_forges_a_warning_by_words_name_or_an_id_that_looks_alike(
    linked: Operator, zalo: Simulator, gateway: Gateway, uid: str, friend: bool
) -> None:
    listening(gateway)
    forger = person(zalo, "Zalo Bảo Mật", friend=friend, uid=uid)
    say(zalo, forger, WORDS)
    answered(zalo, WORDS)
    assert alarms(linked, "--all") == []
    assert status(linked)[0] == 0


def test_nobody_forges_a_warning_in_a_group_or_by_a_card_banner_or_quote(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    forger = person(zalo, "Zalo Bảo Mật", friend=False)
    group = zalo.do("/group", name="Zalo Bảo Mật", members=[forger])["gid"]
    say(zalo, forger, WORDS, group=group)
    for kind in ("banner", "reminder", "link"):
        say(zalo, forger, WORDS, kind=kind)
    zalo.do("/say", **{"from": forger, "kind": "contact", "person": forger, "text": ""})
    say(zalo, forger, "the last")
    answered(zalo, "the last")
    assert alarms(linked, "--all") == []


def test_an_id_that_the_operator_adds_counts_and_is_answered_no_more(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    warner = person(zalo, "Zalo", friend=False)
    text = OPEN.replace("dmPolicy", f"platformSenders: ['{warner}'], dmPolicy")
    (state / "config.json5").write_text(text)
    listening(gateway)
    say(zalo, warner, "anything")
    alarmed(gateway, "platform_warning")
    assert all_sent(zalo) == []


def test_a_platform_sender_that_is_no_id_is_a_config_error(linked: Operator, state: Path) -> None:
    (state / "config.json5").write_text(OPEN.replace("dmPolicy", "platformSenders: ['Zalo'], dmPolicy"))
    done = linked.run("config", "validate")
    assert done.returncode == 1
    assert "'Zalo' is no id" in done.stdout


def test_a_refused_login_by_code_is_said_muted_and_over_once_one_works(
    installed: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    zalo.do("/fault", does="error", code=-1005, message="Đăng nhập không hợp lệ.", call="waiting-confirm")
    done = log_in(installed, zalo)
    assert done.returncode == 1
    assert "runbooks/login-refused" in done.stdout
    assert kinds(installed) == ["login_refused"]
    assert alarms(installed)[0]["evidence"]["stage"] == "qr_confirm"

    assert log_in(installed, zalo).returncode == 0
    assert kinds(installed) == []
    listening(gateway)
    say(zalo, person(zalo), "hello?")
    assert status(installed)[0] == 4
    assert installed.run("resume").returncode == 0
    answered(zalo, "hello?")


def test_a_stored_session_that_is_refused_is_tried_once_and_not_again(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    zalo.do("/fault", does="error", code=-1005, call="getLoginInfo")
    gateway.start()
    alarmed(gateway, "login_refused")
    code, told = status(linked)
    assert (code, told["code"]) == (4, "login_refused")
    assert "--force" in told["help"]
    assert len([one for one in zalo.since(0) if one["kind"] == "meddled"]) == 1
    gateway.stop()

    listening(gateway)  # a login that works ends the alarm, and not the pause
    gateway.said("the alarm 'login_refused' is over")
    assert status(linked)[0] == 4
    linked.run("resume")
    assert status(linked)[0] == 0


def test_another_refusal_of_a_login_is_no_alarm(installed: Operator, zalo: Simulator) -> None:
    zalo.do("/fault", does="error", code=-1004, message="-1005", call="waiting-confirm")
    assert log_in(installed, zalo).returncode == 1
    assert log_in(installed, zalo, phone=("/scan", "/decline")).returncode == 1
    assert alarms(installed, "--all") == []


def test_two_kicks_within_an_hour_mute_the_account(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/kick")
    gateway.said("is replaced")
    assert alarms(linked) == []
    gateway.stop()  # in order: what it has just seen may not be stored yet
    assert "is taken back" in linked.run("resume", *ME).stdout
    listening(gateway)
    zalo.do("/kick")
    alarmed(gateway, "kicked")
    assert alarms(linked)[0]["evidence"]["kicks"] == 2
    holds_until_it_is_resumed(linked, zalo, gateway, "kicked")


def test_two_takeovers_by_another_browser_are_no_alarm(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    for times in (1, 2):
        zalo.do("/second-listener")
        gateway.said_times("is replaced", times)
        linked.run("resume", *ME)
        gateway.said_times("is ready", times + 1)
    assert alarms(linked, "--all") == []


def refuse(zalo: Simulator, code: int, times: int) -> None:
    zalo.do("/fault", does="error", code=code, call="/api/message/sms", times=times)


def test_refusals_in_several_conversations_mute_the_account(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    refuse(zalo, 123, times=4)
    people = [person(zalo, f"Person {place}", friend=False) for place in range(3)]
    for _ in range(2):
        say(zalo, people[0], "again")
    gateway.said_times("was refused", 2)
    assert alarms(linked) == []
    for one in people[1:]:
        say(zalo, one, "hello")
    alarmed(gateway, "refusals")
    (one,) = alarms(linked)
    assert one["evidence"]["threads"] == 3
    assert sorted(one["evidence"]["refused"]) == sorted(f"dm:{uid}" for uid in people)
    holds_until_it_is_resumed(linked, zalo, gateway, "refusals")


def test_people_who_take_no_messages_are_no_alarm(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    refuse(zalo, 122, times=5)
    for place in range(5):
        say(zalo, person(zalo, f"Person {place}", friend=False), "block me")
    gateway.said_times("was refused", 5)
    assert alarms(linked, "--all") == []


def test_a_friend_list_that_fell_and_still_is_short_ten_minutes_later_mutes_the_account(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    for place in range(6):
        person(zalo, f"Friend {place}")
    listening(host.gateway)
    host.gateway.said("has 8 friends")
    zalo.do("/lose-friends", keep=1)
    linked.run("directory", "peers", "list")
    assert alarms(linked) == []

    host.set_ahead(11 * MINUTE)

    alarmed(host.gateway, "friends_fell")
    assert alarms(linked)[0]["evidence"] | {"fell_ms": 0} == {"before": 8, "now": 1, "fell_ms": 0}
    assert status(linked)[0] == 4
    lists = [one for one in zalo.since(0) if one["kind"] == "called" and "getfriends" in str(one)]
    assert len(lists) <= 4
    linked.run("resume", *ME)
    assert kinds(linked) == []
    assert status(linked)[0] == 0


def test_a_friend_list_that_is_back_in_time_and_two_who_leave_are_no_alarm(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    people = [person(zalo, f"Friend {place}") for place in range(6)]
    listening(host.gateway)
    host.gateway.said("has 8 friends")
    for uid in people[:2]:
        zalo.do("/unfriend", person=uid)
    linked.run("directory", "peers", "list")
    zalo.do("/lose-friends", keep=0)
    linked.run("directory", "peers", "list")
    for uid in people:
        zalo.do("/befriend", person=uid)
    linked.run("directory", "peers", "list")

    host.set_ahead(11 * MINUTE)
    host.gateway.said("slept or its clock was set")
    say(zalo, people[0], "still here?")
    answered(zalo, "still here?")
    assert alarms(linked, "--all") == []


def test_sends_that_fail_while_work_waits_only_alarm_and_end_by_themselves(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/fault", does="reset", call="/api/message/sms", times=3)
    people = [person(zalo, f"Person {place}") for place in range(3)]
    for one in people:
        say(zalo, one, "hello?")
    alarmed(gateway, "outbound_fails")
    (one,) = alarms(linked)
    assert one["evidence"]["failed"] >= 3
    assert one["evidence"]["waiting"] >= 1
    assert not one["paused"]
    code, told = status(linked)
    assert code == 2
    assert told["pauses"] == []

    say(zalo, person(zalo, "Other"), "and me?")
    answered(zalo, "and me?")
    gateway.said("the alarm 'outbound_fails' is over")
    assert kinds(linked) == []


@pytest.mark.timeout(2 * HANGS_S)
def test_sends_that_are_never_answered_alarm_and_end_by_themselves(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    """The platform takes each call and says nothing, until the gateway gives up waiting."""
    listening(gateway)
    zalo.do("/fault", does="silence", call="/api/message/sms", processed=False, times=3)
    for place in range(3):
        say(zalo, person(zalo, f"Person {place}"), "hello?")
    gateway.said("alarm 'outbound_fails'", patience=HANGS_S)
    (one,) = alarms(linked)
    assert one["evidence"]["failed"] >= 3
    assert one["evidence"]["waiting"] >= 1
    assert not one["paused"]
    code, told = status(linked)
    assert (code, told["pauses"]) == (2, [])
    assert all_sent(zalo) == []

    say(zalo, person(zalo, "Other"), "and me?")
    answered(zalo, "and me?")
    gateway.said("the alarm 'outbound_fails' is over")
    assert kinds(linked) == []


def test_pushes_that_stop_while_pings_are_answered_alarm_and_the_next_push_ends_it(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    lan = person(zalo)
    zalo.do("/clock", ahead=20 * MINUTE)
    for _ in range(ANSWERS):
        linked.run("directory", "peers", "list")
    say(zalo, lan, "one")
    answered(zalo, "one")
    zalo.do("/drop")
    gateway.said_times("is ready", 2)
    zalo.do("/clock", ahead=22 * MINUTE)
    zalo.do("/fault", does="lost", event="messages", times=1)
    missed = say(zalo, lan, "never pushed")
    zalo.do("/clock", ahead=34 * MINUTE)
    for _ in range(ANSWERS):
        linked.run("directory", "peers", "list")
    zalo.do("/drop")

    alarmed(gateway, "inbound_silent")
    (one,) = alarms(linked)
    assert one["evidence"]["messages"] == [missed]
    assert not one["paused"]
    answered(zalo, "never pushed")

    say(zalo, lan, "pushed again")
    answered(zalo, "pushed again")
    gateway.said("the alarm 'inbound_silent' is over")


def test_an_account_to_which_nobody_writes_is_well(linked: Operator, zalo: Simulator, host: Host) -> None:
    listening(host.gateway)
    for ahead in (40, 80):
        zalo.do("/clock", ahead=ahead * MINUTE)
        host.set_ahead(ahead * MINUTE)
        host.gateway.said_times("is ready", 1 + ahead // 40)
    assert alarms(linked, "--all") == []
    assert status(linked)[0] == 0


def test_a_pause_of_the_operator_does_not_shorten_that_of_an_alarm(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/warn")
    alarmed(gateway, "platform_warning")
    begun = asked(linked, "pause", "--for", "1s")
    assert begun["paused"][0]["until_ms"] is None
    assert begun["paused"][0]["reason"] == "platform_warning"


def test_an_alarm_is_shown_acknowledged_and_explained_offline(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/warn")
    alarmed(gateway, "platform_warning")
    number = str(alarms(linked)[0]["id"])
    for command in (("alarms", "list"), ("alarms", "show", number)):
        shown = linked.run(*command).stdout
        assert "unproven" in shown
        assert "openclaw help runbooks/platform-warning" in shown
        assert SECURITY in shown
    assert linked.run("alarms", "ack", number).returncode == 0
    assert alarms(linked) == []
    assert status(linked)[0] == 4  # the pause is ended by `resume` alone
    missing = linked.run("alarms", "show", "99")
    assert missing.returncode == 1
    assert "there is no alarm 99" in missing.stdout
    offline: subprocess.CompletedProcess[str] = linked.run("help", "runbooks/platform-warning")
    assert "On the phone" in offline.stdout
    assert "unproven" in offline.stdout
