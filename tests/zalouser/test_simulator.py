"""How the plugin starts its simulator, without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clawlane.capabilities import NoSimulator, RunsSimulator
from clawlane_zalouser import simulator
from clawlane_zalouser.channel import ZaloUserChannel


def test_the_channel_brings_one_with_scenarios() -> None:
    channel = ZaloUserChannel()
    assert isinstance(channel, RunsSimulator)
    assert (channel.scenarios() / "first-contact.yaml").is_file()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(NoSimulator, match=r"needs trustme, which .* extra 'rehearsal'") as error:
        simulator.command(tmp_path, 0, 0, empty=True)
    assert error.value.help == "pip install trustme"


def test_it_starts_prints_where_it_is_and_ends_with_its_stdin(tmp_path: Path) -> None:
    command = simulator.command(tmp_path, 0, 0, empty=True)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        found = simulator.environment(process.stdout.readline())
        assert found["ZALOWEB_NETWORK"].endswith(f",{tmp_path / 'simulator.pem'}")
        assert found["ZALOWEB_CONTROL"].startswith("127.0.0.1:")
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize("line", ["", "ready", "[]", "{}", '{"port": "x", "control": 1, "ca": ""}'])
def test_another_line_is_no_simulator(line: str) -> None:
    with pytest.raises(NoSimulator, match="did not say where it is"):
        simulator.environment(line)
