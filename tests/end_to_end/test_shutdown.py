"""The end of a gateway: asked for by SIGTERM, told to systemd, and with nothing cut in half."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from demo.stage import PATIENCE, Gateway, Operator, Simulator
from end_to_end.steps import all_sent, listening, person, say

CONFIG = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } } }"


@pytest.fixture
def config_text() -> str:
    return CONFIG


@pytest.fixture
def home(operator: Operator, tmp_path: Path) -> Operator:
    """An operator whose own units lie in a folder of the test."""
    return Operator({**operator.env, "XDG_CONFIG_HOME": str(tmp_path / "config")})


def test_a_message_on_its_way_gets_its_answer_before_the_end_and_is_sent_once(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    zalo.do("/fault", does="slow", call="send text", seconds=1.0, processed=True)
    say(zalo, lan, "one")
    assert zalo.wait("sent")["text"] == "one"

    gateway.stop()

    assert zalo.wait("disconnected")["code"] == 1000
    listening(gateway)
    say(zalo, lan, "two")
    assert zalo.wait("sent")["text"] == "two"
    assert all_sent(zalo) == ["one", "two"]


def test_systemd_is_told_when_the_gateway_is_ready_and_when_it_stops(
    linked: Operator, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        told = Operator({**linked.env, "NOTIFY_SOCKET": str(tmp_path / "notify")})
        with Gateway(told) as gateway:
            gateway.start()
            assert manager.recv(1024) == b"READY=1"
            gateway.stop()
            assert manager.recv(1024) == b"STOPPING=1"


def test_the_unit_names_the_command_and_the_state_directory(
    home: Operator, state: Path, tmp_path: Path
) -> None:
    done = home.run("gateway", "install")
    assert done.returncode == 0
    assert "systemctl --user enable --now clawlane" in done.stdout
    path = tmp_path / "config" / "systemd" / "user" / "clawlane.service"
    lines = path.read_text().splitlines()
    assert "Type=notify" in lines
    assert f'ExecStart="{home.command()[0]}" "gateway" "run"' in lines
    assert f'Environment="CLAWLANE_STATE_DIR={state}"' in lines
    assert home.run("gateway", "install", "--print").stdout == path.read_text()


def test_a_unit_of_somebody_else_is_left_alone(home: Operator, tmp_path: Path) -> None:
    assert home.run("gateway", "install").returncode == 0
    assert home.run("gateway", "install").returncode == 0
    path = tmp_path / "config" / "systemd" / "user" / "clawlane.service"
    path.write_text("[Unit]\n")

    refused = home.run("gateway", "install")

    assert refused.returncode == 1
    assert "openclaw gateway install --force" in refused.stdout
    assert path.read_text() == "[Unit]\n"
    assert home.run("gateway", "install", "--force").returncode == 0
    assert "Type=notify" in path.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(home: Operator, tmp_path: Path) -> None:
    assert home.run("gateway", "install").returncode == 0
    path = tmp_path / "config" / "systemd" / "user" / "clawlane.service"
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(path)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in checked.stderr.splitlines() if "clawlane.service" in line]
    assert complaints == []
