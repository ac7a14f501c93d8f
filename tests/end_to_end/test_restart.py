"""The gateway stopped and restarted by command, with an account that is logged in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import answers, asked, listening, log_in, person, say

LOADING = """
import sys
from clawlane.cli.main import run
code = run(sys.argv[1:], "openclaw")
heavy = ("aiohttp", "asyncio", "cryptography", "json5", "clawlane_zalouser", "pydantic", "sqlite3", "zaloweb")
sys.exit(code or " ".join(name for name in heavy if name in sys.modules) or 0)
"""
"""Runs a command, and fails with the names of what it should not have loaded."""

CONFIG = "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], pacing: { enabled: false } } } }"


@pytest.fixture
def config_text() -> str:
    return CONFIG


def test_a_restart_keeps_the_session_without_a_code_and_answers_go_on(
    linked: Operator, zalo: Simulator, gateway: Gateway
) -> None:
    lan = person(zalo, "Lan")
    listening(gateway)
    say(zalo, lan, "before")
    assert answers(zalo, 1) == ["before"]
    codes = len([one for one in zalo.since(0) if one["kind"] == "qrshown"])

    done = linked.run("gateway", "restart")

    assert done.returncode == 0, done.stdout
    assert f"pid {gateway.pid}" in done.stdout
    assert "zalouser/default  ready as " in done.stdout
    say(zalo, lan, "after")
    assert answers(zalo, 1) == ["after"]
    assert len([one for one in zalo.since(0) if one["kind"] == "qrshown"]) == codes
    told = asked(linked, "gateway", "status")
    assert told["process"]["pid"] == gateway.pid

    for words in (("directory", "self"), ("directory", "peers", "list")):
        command = [sys.executable, "-c", LOADING, *words]
        done = subprocess.run(command, env=linked.env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    session = asked(linked, "session", "show")
    assert session["described"]
    assert session["cookies"] > 0
    assert session["logged_in_ms"] <= session["saved_ms"]
    assert session["expires_ms"] is None or session["expires"]

    stopped = linked.run("gateway", "stop")

    assert (stopped.returncode, stopped.stdout) == (0, f"Stopped: pid {gateway.pid}.\n")
    assert linked.run("gateway", "status").returncode == 5
    assert linked.run("gateway", "stop").stdout == "The gateway is not running.\n"
    assert linked.run("gateway", "restart").returncode == 5


def test_a_plugin_from_its_folder_can_log_in(operator: Operator, zalo: Simulator) -> None:
    folder = Path(__file__).parents[2] / "extensions" / "zalouser"
    done = operator.run("plugins", "install", str(folder))
    assert done.returncode == 0, done.stdout
    assert operator.run("config", "get", "channels.zalouser.token").returncode == 1
    assert log_in(operator, zalo).returncode == 0


@pytest.mark.long
def test_a_unit_that_install_wrote_is_removed_and_another_is_not(operator: Operator, tmp_path: Path) -> None:
    home = Operator({**operator.env, "XDG_CONFIG_HOME": str(tmp_path / "config")})
    path = tmp_path / "config" / "systemd" / "user" / "clawlane.service"
    assert home.run("gateway", "install").returncode == 0
    told = json.loads(home.run("gateway", "status", "--json").stdout)
    assert told["service"] == {"unit": str(path), "installed": True, "enabled": False}
    assert "systemctl --user daemon-reload" in home.run("gateway", "uninstall").stdout
    assert not path.exists()
    assert "nothing to remove" in home.run("gateway", "uninstall").stdout
    path.write_text("[Unit]\n")
    assert home.run("gateway", "uninstall").returncode == 1
    assert path.exists()
