"""An account in trouble: replaced, expired, half-open; what holds over a restart, and what brings it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator, simulator
from end_to_end.steps import listening, log_in, person, say, status

CONFIG = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } } }"
ME = ("--channel", "zalouser", "--account", "default")


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.mark.parametrize("how", ["/kick", "/second-listener"])
def test_a_replaced_account_never_fights_and_a_restart_does_not_bring_it_back(
    linked: Operator, zalo: Simulator, gateway: Gateway, how: str
) -> None:
    listening(gateway)
    zalo.do(how)
    gateway.said("is replaced")
    code, told = status(linked)
    assert code == 4
    assert told["help"] == "openclaw resume --channel zalouser --account default"

    gateway.stop()
    connected = len([one for one in zalo.since(0) if one["kind"] == "connected"])
    gateway.start()
    gateway.said("is replaced")

    assert status(linked, "--probe")[0] == 4
    assert len([one for one in zalo.since(0) if one["kind"] == "connected"]) == connected


def test_resume_takes_a_replaced_account_back_in_a_running_gateway(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/kick")
    gateway.said("is replaced")
    everything = linked.run("resume")
    assert everything.returncode == 0
    assert "taken back" not in everything.stdout
    assert status(linked)[0] == 4

    assert "is taken back" in linked.run("resume", *ME).stdout

    gateway.said("taking the account back in")
    lan = person(zalo)
    say(zalo, lan, "back?")
    assert zalo.wait("sent")["text"] == "back?"
    assert status(linked)[0] == 0


def test_resume_without_a_gateway_lets_the_next_one_connect(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    zalo.do("/kick")
    gateway.said("is replaced")
    gateway.stop()
    assert "is taken back" in linked.run("resume", *ME).stdout
    listening(gateway)
    assert status(linked)[0] == 0


def test_a_new_login_ends_replaced_too(linked: Operator, zalo: Simulator, gateway: Gateway) -> None:
    listening(gateway)
    zalo.do("/second-login")
    gateway.said("is replaced")
    gateway.stop()

    assert log_in(linked, zalo, "--force").returncode == 0

    listening(gateway)
    assert status(linked)[0] == 0


@pytest.mark.long
def test_a_line_that_died_without_a_word_is_noticed_and_what_was_missed_is_answered(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(CONFIG)
    with simulator(tmp_path, "--ping-ms", "1000") as zalo:
        operator = Operator.at(state, zalo.network)
        assert operator.run("plugins", "install", "@openclaw/zalouser").returncode == 0
        assert log_in(operator, zalo).returncode == 0
        with Gateway(operator) as gateway:
            listening(gateway)
            lan = person(zalo)
            zalo.wait("pinged")
            zalo.wait("pinged")
            assert status(operator)[1]["noticed_ms"] == 2000
            zalo.do("/half-open")
            say(zalo, lan, "hello?")
            gateway.said("the connection was lost (1006)")
            assert zalo.wait("sent")["text"] == "hello?"


def test_a_logout_while_running_stops_the_account_and_no_late_save_revives_it(
    linked: Operator, zalo: Simulator, gateway: Gateway, state: Path
) -> None:
    listening(gateway)
    zalo.do("/refresh-cookies")
    say(zalo, person(zalo), "hi")
    zalo.wait("sent")

    assert linked.run("channels", "logout", "--channel", "zalouser").returncode == 0

    assert zalo.wait("disconnected")["code"] == 1000
    assert not list(state.glob("vault/*.session"))
    code, told = status(linked)
    assert code == 3
    assert told["linked"] is False
    gateway.stop()
    assert not list(state.glob("vault/*.session"))


def test_cookies_that_expire_while_running_stop_the_account_until_a_new_login(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    listening(gateway)
    lan = person(zalo)
    zalo.do("/expire-session")
    say(zalo, lan, "are you there?")
    gateway.said("is needs_login")
    code, told = status(linked)
    assert code == 3
    assert told["auth"] == "broken"
    assert "openclaw channels login" in told["help"]

    assert log_in(linked, zalo, "--force").returncode == 0

    assert zalo.wait("sent")["text"] == "are you there?"
    assert status(linked)[0] == 0
