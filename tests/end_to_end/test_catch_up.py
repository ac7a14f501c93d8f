"""What people write while nobody listens: answered once and in order afterwards, or a gap that is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, all_sent, answers, listening, person, say

CONFIG = """\
{ channels: { zalouser: {
    dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open', groups: { '*': { requireMention: false } },
    pacing: { enabled: false },
} } }
"""
PAGE = 200
"""How many messages the simulator gives out at once."""


@pytest.fixture
def config_text() -> str:
    return CONFIG


def test_what_was_written_while_the_gateway_was_down_is_answered_once_and_in_order(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "one")
    assert answers(zalo, 1) == ["one"]
    gateway.kill()
    for word in ("two", "three", "four"):
        say(zalo, lan, word)

    listening(gateway)

    assert answers(zalo, 3) == ["two", "three", "four"]
    say(zalo, lan, "five")
    assert answers(zalo, 1) == ["five"]
    assert len(all_sent(zalo)) == 5
    assert account(linked)["gaps"] == []


def test_groups_are_caught_up_with_too(linked: Operator, zalo: Simulator, gateway: Gateway) -> None:
    lan = person(zalo, "Lan")
    work = str(zalo.do("/group", name="Work", members=[lan])["gid"])
    listening(gateway)
    gateway.stop()
    say(zalo, lan, "họp nhé", group=work)

    listening(gateway)

    assert answers(zalo, 1) == ["họp nhé"]


@pytest.mark.parametrize("code", [1006, 1001])
def test_what_was_written_while_the_socket_was_cut_is_answered_once(
    linked: Operator, zalo: Simulator, gateway: Gateway, code: int
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "before")
    answers(zalo, 1)

    zalo.do("/drop", code=code)
    say(zalo, lan, "meanwhile")

    assert answers(zalo, 1) == ["meanwhile"]
    say(zalo, lan, "after")
    assert answers(zalo, 1) == ["after"]
    assert len(all_sent(zalo)) == 3


def test_a_message_whose_push_was_lost_is_answered_after_the_next_connect(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    zalo.do("/fault", does="lost", event="messages")
    say(zalo, lan, "never pushed")
    say(zalo, lan, "pushed")
    assert answers(zalo, 1) == ["pushed"]

    zalo.do("/drop", code=1006)

    assert answers(zalo, 1) == ["never pushed"]


@pytest.mark.long
def test_more_than_one_page_is_fetched_and_keeps_its_order(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "0")
    answers(zalo, 1)
    gateway.kill()
    for number in range(1, PAGE + 30):
        say(zalo, lan, str(number))

    listening(gateway)

    assert answers(zalo, PAGE + 29) == [str(number) for number in range(1, PAGE + 30)]
    assert account(linked)["gaps"] == []


def test_what_comes_live_waits_for_what_was_written_before_it(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "one")
    answers(zalo, 1)
    gateway.kill()
    say(zalo, lan, "two")
    zalo.do("/fault", does="swapped", event="old")

    listening(gateway)
    say(zalo, lan, "three")

    assert answers(zalo, 2) == ["two", "three"]


@pytest.mark.long
def test_an_answer_that_does_not_come_is_asked_for_again(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    gateway.stop()
    say(zalo, lan, "missed")
    zalo.do("/fault", does="lost", event="old", times=2)

    listening(gateway)

    gateway.said("asking again")
    assert answers(zalo, 1) == ["missed"]


@pytest.mark.long
def test_an_answer_that_was_cut_off_is_looked_up_while_connected_and_sent_again_if_it_is_not_there(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(CONFIG.replace("dmPolicy", "lookUpGap: '1s', dmPolicy"))
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "zero")
    assert answers(zalo, 1) == ["zero"]
    zalo.do("/fault", does="reset", call="send text")
    say(zalo, lan, "one")
    say(zalo, lan, "two")

    assert answers(zalo, 2) == ["one", "two"]

    assert len([one for one in zalo.since(0) if one["kind"] == "connected"]) == 1
    assert account(linked)["outbox"]["unknown"] == 0
    assert account(linked)["gaps"] == []


@pytest.mark.long
def test_the_first_answer_of_a_login_that_was_cut_off_is_sent_again_once_another_was_seen_to_come_back(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    """Before that a look-up could not show anything, so that nothing waits for it."""
    (state / "config.json5").write_text(CONFIG.replace("dmPolicy", "lookUpGap: '1s', dmPolicy"))
    lan = person(zalo, "Lan")
    listening(gateway)
    zalo.do("/fault", does="reset", call="send text")
    say(zalo, lan, "one")
    gateway.said("may or may not have arrived")
    say(zalo, lan, "two")

    assert answers(zalo, 2) == ["two", "one"]
    assert account(linked)["decisions"]["sends"] == 0


def test_nothing_older_than_the_backlog_allows_is_answered(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "first")
    answers(zalo, 1)
    gateway.stop()
    missed = say(zalo, lan, "too late")
    zalo.do("/clock", ahead=60)  # ages go by the `Date` of an answer, which names whole seconds
    (state / "config.json5").write_text(CONFIG.replace("dmPolicy", "backlogMaxAge: '0s', dmPolicy"))

    gateway.start()
    gateway.said("too_old")

    assert account(linked)["counters"]["too_old"] >= 1
    assert "backlogMaxAge" in linked.run("why", missed).stdout
    assert all_sent(zalo) == ["first"]


def half_missed(zalo: Simulator, gateway: Gateway) -> str:
    """Stop a gateway, and let Zalo hold one of the two messages that come then. Gives who wrote them."""
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "one")
    answers(zalo, 1)
    gateway.stop()
    for word in ("lost", "kept"):
        say(zalo, lan, word)
    zalo.do("/forget", keep=1)
    return lan


def test_what_zalo_does_not_hold_any_more_is_a_gap_that_status_and_why_show(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = half_missed(zalo, gateway)

    listening(gateway)

    assert answers(zalo, 1) == ["kept"]
    gateway.said("may be missing")
    [gap] = account(linked)["gaps"]
    assert gap["kind"] == "dm"
    assert gap["from_ms"] < gap["to_ms"]
    assert "may be missing" in linked.run("channels", "status").stdout
    assert "may be missing" in linked.run("why", "--last", "1").stdout
    gateway.stop()
    listening(gateway)
    say(zalo, lan, "two")
    assert answers(zalo, 1) == ["two"]
    assert account(linked)["gaps"] == [gap]


def test_a_gap_is_found_although_zalo_tells_an_earlier_time_than_its_messages_have(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    """Where only a moment was missed, that is so: a `Date` names whole seconds."""
    half_missed(zalo, gateway)
    zalo.do("/clock", ahead=-60)

    listening(gateway)

    assert answers(zalo, 1) == ["kept"]
    gateway.said("may be missing")


def test_what_was_written_before_the_first_connect_ever_is_only_read_if_it_is_young(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    (state / "config.json5").write_text(CONFIG.replace("dmPolicy", "backlogMaxAge: '0s', dmPolicy"))
    lan = person(zalo, "Lan")
    zalo.do("/clock", ahead=-60)
    say(zalo, lan, "long ago")
    zalo.do("/clock", ahead=0)

    listening(gateway)
    zalo.wait("askedold", lambda asked: asked["what"] == "user messages")
    gateway.stop()

    assert account(linked)["counters"] == {}
    assert account(linked)["gaps"] == []
