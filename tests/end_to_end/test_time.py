"""Clocks that are wrong or are set, and pushed backlogs: what is answered, and what the operator reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Operator, Simulator
from end_to_end.machine import Host
from end_to_end.steps import all_sent, listening, person, say, status

pytestmark = pytest.mark.long

OPEN = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } } }"
PAIRING = "{ channels: { zalouser: { dmPolicy: 'pairing', pacing: { enabled: false } } } }"
MINUTE, DAY = 60, 86_400


@pytest.fixture
def config_text() -> str:
    return OPEN


def answered(zalo: Simulator, text: str) -> None:
    zalo.wait("sent", lambda record: record["text"] == text)


def connected(zalo: Simulator, times: int) -> None:
    """Returns once the gateway has connected so many times in all."""
    missing = times - sum(one["kind"] == "connected" for one in zalo.since(0))
    for _ in range(missing):
        zalo.wait("connected")


def reasons(operator: Operator) -> list[str]:
    told = operator.run("why", "--last", "20").stdout
    return [word for word in ("dm_open", "too_old", "dm_pairing_held", "dm_pairing_required") if word in told]


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (20 * MINUTE, "20 min ahead of"),
        (DAY, "24 h ahead of"),
        (-DAY, "24 h behind"),
        (-3 * DAY, "3 days behind"),
    ],
)
def test_a_wrong_clock_of_this_machine_costs_no_answer_and_is_named(
    linked: Operator, zalo: Simulator, host: Host, ahead: int, words: str
) -> None:
    host.set_ahead(ahead)
    listening(host.gateway)
    binh = person(zalo)
    say(zalo, binh, "chào bạn")
    answered(zalo, "chào bạn")

    code, told = status(linked)
    assert code == 0
    assert abs(told["skew_ms"] + ahead * 1000) < 30_000
    assert [one for one in told["problems"] if words in one["text"]]
    assert words in linked.run("channels", "status").stdout
    assert words in linked.run("doctor").stdout
    assert words in host.gateway.said("this machine's clock is")
    assert reasons(linked) == ["dm_open"]


def test_a_right_clock_is_not_mentioned(linked: Operator, zalo: Simulator, host: Host) -> None:
    listening(host.gateway)
    say(zalo, person(zalo), "one")
    answered(zalo, "one")
    code, told = status(linked)
    assert code == 0
    assert abs(told["skew_ms"]) < 30_000
    assert "clock" not in linked.run("channels", "status").stdout
    assert "clock" not in linked.run("doctor").stdout


@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_a_clock_that_is_set_while_the_gateway_runs_is_noticed_and_costs_nothing(
    linked: Operator, zalo: Simulator, host: Host, ahead: int
) -> None:
    listening(host.gateway)
    binh = person(zalo)
    say(zalo, binh, "before")
    answered(zalo, "before")

    host.set_ahead(ahead)
    say(zalo, binh, "just after")
    answered(zalo, "just after")
    host.gateway.said("slept or its clock was set")
    connected(zalo, 2)
    say(zalo, binh, "later")
    answered(zalo, "later")

    code, told = status(linked)
    assert code == 0
    assert abs(told["skew_ms"] + ahead * 1000) < 30_000
    assert reasons(linked) == ["dm_open"]

    host.set_ahead(0)
    connected(zalo, 3)
    say(zalo, binh, "right again")
    answered(zalo, "right again")
    code, told = status(linked)
    assert (code, told["problems"]) == (0, [])


def test_a_clock_that_was_wrong_while_the_gateway_was_down_costs_nothing(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    host.set_ahead(DAY)
    listening(host.gateway)
    binh = person(zalo)
    say(zalo, binh, "one")
    answered(zalo, "one")
    host.gateway.stop()
    say(zalo, binh, "two")
    host.set_ahead(0)

    listening(host.gateway)

    answered(zalo, "two")
    say(zalo, binh, "three")
    answered(zalo, "three")


@pytest.mark.parametrize("ahead", [0, DAY, -DAY])
def test_a_message_that_is_too_old_when_it_is_pushed_is_not_answered(
    linked: Operator, zalo: Simulator, host: Host, ahead: int
) -> None:
    host.set_ahead(ahead)
    listening(host.gateway)
    binh = person(zalo)
    zalo.do("/clock", ahead=-20 * MINUTE)
    say(zalo, binh, "of twenty minutes ago")
    zalo.do("/clock", ahead=0)
    say(zalo, binh, "now")
    answered(zalo, "now")
    assert all_sent(zalo) == ["now"]
    assert reasons(linked) == ["dm_open", "too_old"]


def test_where_zalo_tells_no_time_what_is_pushed_is_new(
    linked: Operator, zalo: Simulator, host: Host
) -> None:
    zalo.do("/clock", shown=False)
    host.set_ahead(DAY)
    listening(host.gateway)
    say(zalo, person(zalo), "chào")
    answered(zalo, "chào")
    assert status(linked)[1]["skew_ms"] is None


@pytest.mark.parametrize("ahead", [0, 20 * MINUTE, -DAY])
def test_a_stranger_of_a_pushed_backlog_gets_no_code_until_he_writes_again(
    linked: Operator, zalo: Simulator, host: Host, state: Path, ahead: int
) -> None:
    (state / "config.json5").write_text(PAIRING)
    zalo.do("/backlog", pushed=True)
    stranger = person(zalo, "Người Lạ", friend=False)
    host.set_ahead(ahead)
    listening(host.gateway)
    host.gateway.stop()
    zalo.do("/clock", ahead=-5 * MINUTE)
    say(zalo, stranger, "five minutes ago")
    zalo.do("/clock", ahead=0)

    listening(host.gateway)

    host.gateway.said("dm_pairing_held")
    assert reasons(linked) == ["dm_pairing_held"]
    assert status(linked)[1]["pairing"]["held"] == 1
    assert not all_sent(zalo)
    say(zalo, stranger, "hello?")
    zalo.wait("sent", lambda record: stranger in record["text"])


def test_a_time_that_is_not_there_makes_a_message_new(linked: Operator, zalo: Simulator, host: Host) -> None:
    host.set_ahead(DAY)
    listening(host.gateway)
    binh = person(zalo)
    me = zalo.world()["accounts"][0]["uid"]
    item = {
        "actionId": "1", "msgId": "7000000000001", "cliMsgId": "1700000000000", "msgType": "webchat",
        "uidFrom": binh, "idTo": me, "dName": "Bình", "ts": "0", "status": 1, "content": "khi nào?",
        "ttl": 0, "realMsgId": "0",
    }  # fmt: skip
    zalo.do("/push", cmd=501, data={"msgs": [item]})
    answered(zalo, "khi nào?")
