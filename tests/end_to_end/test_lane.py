"""What an operator meets with real processes: refusals, restarts, expiry, and where secrets must not be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import ACCEPT, LOGIN, account, listening, log_in, person, say, status

STATUS = ("channels", "status", "--channel", "zalouser")


def test_without_the_plugin_one_line_says_what_to_install(operator: Operator) -> None:
    done = operator.run(*LOGIN)
    assert done.returncode == 1
    assert "openclaw plugins install @openclaw/zalouser" in done.stdout


def test_without_a_terminal_the_risk_has_to_be_accepted_by_flag(installed: Operator, zalo: Simulator) -> None:
    done = installed.run(*LOGIN)
    assert done.returncode == 1
    assert "ban" in done.stdout
    assert "--accept-risk" in done.stdout
    assert zalo.since(0) == []


@pytest.mark.of_file
def test_a_gateway_without_a_record_of_the_risk_runs_but_not_the_lane(
    linked: Operator, state: Path, gateway: Gateway
) -> None:
    for record in (state / "consent").iterdir():
        record.unlink()
    gateway.start()
    gateway.said("needs_consent")
    code, told = status(linked)
    assert code == 3
    assert "risk" in told["reason"]


@pytest.mark.parametrize(("phone", "word"), [(("/scan", "/decline"), "declined"), (("/expire",), "expired")])
def test_a_login_that_fails_says_so_and_stores_nothing(
    installed: Operator, zalo: Simulator, state: Path, phone: tuple[str, ...], word: str
) -> None:
    done = log_in(installed, zalo, phone=phone)
    assert done.returncode == 1
    assert word in done.stdout.splitlines()[-1]
    assert "openclaw channels login" in done.stdout.splitlines()[-1]
    assert not list(state.glob("vault/*.session"))


def test_linked_already_says_as_whom(linked: Operator, zalo: Simulator) -> None:
    done = linked.run(*LOGIN)
    assert done.returncode == 0
    assert "8200000000000000001" in done.stdout
    assert "--force" in done.stdout
    assert log_in(linked, zalo, "--force").returncode == 0


def test_logout_is_fine_with_nothing_to_clear_and_chains_with_login(linked: Operator) -> None:
    logout = ("channels", "logout", "--channel", "zalouser")
    assert linked.run(*logout).returncode == 0
    assert linked.run(*logout).returncode == 0
    code, told = status(linked)
    assert code == 5
    assert told["linked"] is False


def test_status_has_an_exit_code_for_each_trouble(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    assert status(linked)[0] == 5
    listening(gateway)
    assert status(linked)[0] == 0
    zalo.do("/kick")
    gateway.said("is replaced")
    assert status(linked)[0] == 4
    assert linked.run("channels", "status", "--channel", "nosuch").returncode == 1


def test_an_expired_session_is_not_linked_and_says_how_to_mend_it(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    zalo.do("/expire-session")
    gateway.start()
    gateway.said("needs_login")
    code, told = status(linked)
    assert code == 3
    assert "expired" in told["reason"]
    assert "openclaw channels login" in told["help"]


def test_a_killed_gateway_comes_back_with_its_session(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    gateway.start()
    first = zalo.wait("connected")
    gateway.kill()
    gateway.start()
    zalo.wait("connected")
    assert "qrshown" not in [one["kind"] for one in zalo.since(first["seq"])]


def test_a_second_gateway_is_refused_with_the_pid_of_the_first(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    gateway.start()
    zalo.wait("connected")
    second = linked.run("gateway", "run")
    assert second.returncode == 1
    assert str(gateway.pid) in second.stdout


def test_a_group_message_is_recorded_and_dropped(linked: Operator, zalo: Simulator, gateway: Gateway) -> None:
    gateway.start()
    zalo.wait("connected")
    gateway.said("is ready")
    binh = person(zalo)
    zalo.do("/group", name="Work Chat", members=[binh])
    say(zalo, binh, "có ai không?", group="Work Chat")
    gateway.said("group_disabled")
    assert account(linked)["counters"] == {"group_disabled": 1}


def test_secrets_stay_in_the_vault(linked: Operator, zalo: Simulator, gateway: Gateway, state: Path) -> None:
    listening(gateway)
    say(zalo, person(zalo, "Lạ", friend=False), "chào")
    zalo.wait("sent")
    linked.run(*STATUS, "--probe")
    held = zalo.do("/credentials")
    secrets = [cookie["value"] for cookie in held["cookie"] if cookie["key"].startswith("zp")]
    assert secrets
    looked = [path for path in state.rglob("*") if path.is_file() and path.name != "config.json5"]
    for path in looked:
        try:
            mode, content = path.stat().st_mode, path.read_bytes()
        except FileNotFoundError:  # the gateway runs: it was written under this name, and has another now
            continue
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), f"{path.name} is open to others"
        for secret in secrets:
            assert secret.encode() not in content, f"a cookie stands in {path.name}"
    commands = Path(f"/proc/{gateway.pid}/cmdline").read_bytes()
    assert not any(secret.encode() in commands for secret in secrets)


def test_sigterm_ends_the_gateway_well(linked: Operator, zalo: Simulator, gateway: Gateway) -> None:
    listening(gateway)
    gateway.stop()
    assert zalo.wait("disconnected")["code"] == 1000


@pytest.mark.parametrize("words", [(*LOGIN, ACCEPT), STATUS, ("gateway", "run")])
def test_a_network_that_cannot_be_used_is_one_clear_line(installed: Operator, words: tuple[str, ...]) -> None:
    elsewhere = Operator({**installed.env, "ZALOWEB_NETWORK": "192.0.2.1:4443,ca.pem"})
    done = elsewhere.run(*words)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "error: ZALOWEB_NETWORK: '192.0.2.1' is not allowed, only 127.0.0.1 (127.0.0.1:PORT,CAFILE)"
    )
