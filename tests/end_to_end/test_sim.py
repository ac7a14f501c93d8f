"""`openclaw sim` in one terminal, its people in another, and a login and a gateway in a third."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

OPENCLAW = str(Path(sys.executable).with_name("openclaw"))
PATIENCE = 60.0
CONFIG = "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"


class Terminal:
    """A terminal in which the simulator's lines were pasted."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [OPENCLAW, *words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


class Running:
    """`openclaw sim` and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self._lines = iter(process.stdout)
        self.exports: dict[str, str] = {}
        for line in self._lines:
            if found := re.match(r"export (\w+)=(.*)", line):
                self.exports[found[1]] = found[2]
            if "openclaw sim world" in line:
                return

    def says(self, words: str) -> str:
        return next(line for line in self._lines if words in line)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    real = tmp_path / "real"
    return {**kept, "CLAWLANE_STATE_DIR": str(real), "TMPDIR": str(tmp_path), "PYTHONUTF8": "1"}


@pytest.fixture
def sim(environ: dict[str, str]) -> Iterator[Running]:
    command = [OPENCLAW, "sim", "--scan"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


@pytest.mark.long
def test_the_printed_lines_lead_a_login_and_people_to_the_simulator(
    sim: Running, environ: dict[str, str], tmp_path: Path
) -> None:
    assert list(sim.exports) == ["ZALOWEB_NETWORK", "ZALOWEB_CONTROL", "CLAWLANE_STATE_DIR"]
    terminal = Terminal({**environ, **sim.exports})
    assert terminal.run("plugins", "install", "@openclaw/zalouser").returncode == 0
    login = terminal.run("channels", "login", "--channel", "zalouser", "--accept-risk")
    assert login.returncode == 0, login.stdout
    assert "a QR code is shown; scan it: openclaw sim scan" in sim.says("QR code")
    assert "Nguyễn Minh Anh logs in" in sim.says("logs in")
    said = terminal.run("sim", "say", "xin chào", "--from", "Phạm Quốc Bảo", "--json")
    assert json.loads(said.stdout)["ok"], said.stdout
    (Path(sim.exports["CLAWLANE_STATE_DIR"]) / "config.json5").write_text(CONFIG, encoding="utf-8")
    command = [OPENCLAW, "gateway", "run"]
    with subprocess.Popen(command, env=terminal.environ, stdout=subprocess.DEVNULL) as gateway:
        try:
            assert "is connected" in sim.says("connected")
            assert terminal.run("sim", "say", "xin chào", "--from", "Trần Thị Lan").returncode == 0
            assert "Nguyễn Minh Anh writes to Trần Thị Lan: " in sim.says("writes to")
        finally:
            gateway.terminate()
    added = terminal.run("sim", "person", "Mai", "--friend", "--json")
    world = json.loads(terminal.run("sim", "world", "--json").stdout)["world"]
    assert {"kind": "person", "id": json.loads(added.stdout)["id"], "name": "Mai", "about": "friend"} in world
    for words, error in (
        (("say", "hi", "--from", "Nobody"), "no person is called 'Nobody'"),
        (("say", "hi", "--from", "Mai", "--mention"), "a mention is for groups"),
        (("drop",), "no client is listening"),
        (("drop", "--account", "X"), "no account there is called 'X'"),
    ):
        refused = terminal.run("sim", *words)
        assert refused.returncode == 1
        assert error in refused.stdout
    sim.process.send_signal(signal.SIGINT)
    assert sim.process.wait(PATIENCE) == 0
    assert not (tmp_path / "real").exists()
    assert not list(tmp_path.glob("clawlane-rehearsal-*"))
    assert "no simulator answers at" in terminal.run("sim", "world").stdout


def test_without_the_lines_there_is_nobody_to_play(environ: dict[str, str]) -> None:
    done = Terminal(environ).run("sim", "world")
    assert (done.returncode, done.stdout) == (
        1,
        "error: ZALOWEB_CONTROL is not set: `openclaw sim` prints it\n",
    )
