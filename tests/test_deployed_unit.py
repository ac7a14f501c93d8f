"""The container image and the system unit in deploy/, compared with the gateway. Neither is run here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from clawlane.cli.main import cli
from clawlane.credentials.sealing_key import CREDENTIAL
from clawlane.gateway import process, systemd

ROOT = Path(__file__).parents[1]
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()
UNIT = (ROOT / "deploy" / "systemd" / "clawlane@.service").read_text()
PYPROJECT = tomllib.loads((ROOT / "packages" / "clawlane" / "pyproject.toml").read_text())


def is_command(words: list[str]) -> bool:
    """Whether the program has a command of these words."""
    command: click.Command | None = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    return command is not None


def commands() -> Iterator[list[str]]:
    """What both run, without the program."""
    for words in re.findall(r"^(?:CMD|HEALTHCHECK.* CMD) \[(.*)\]", CONTAINERFILE, re.MULTILINE):
        yield [word for word in re.findall(r'"(.+?)"', words) if word != "openclaw"]
    for words in re.findall(r"\bopenclaw ((?:[a-z]+ ?)+)", UNIT):
        yield words.split()


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_a_command_exists(words: list[str]) -> None:
    assert is_command(words)


def test_the_image_is_made_of_what_is_there() -> None:
    for source in re.findall(r"^COPY (?!--)(\S+)", CONTAINERFILE, re.MULTILINE):
        assert (ROOT / source).exists(), source
    (extras,) = re.findall(r"clawlane\[([\w,]+)\]", CONTAINERFILE)
    assert set(extras.split(",")) <= set(PYPROJECT["project"]["optional-dependencies"])
    for package in re.findall(r"\./((?:packages|extensions)/\w+)", CONTAINERFILE):
        assert (ROOT / package / "pyproject.toml").is_file()


def test_nothing_runs_as_root() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+", CONTAINERFILE, re.MULTILINE)
    assert int(user) > 0
    assert re.findall(r"^User=(.*)", UNIT, re.MULTILINE) == ["clawlane"]
    assert "PASSWORD" not in UNIT + CONTAINERFILE


def test_variables_are_those_that_the_code_reads() -> None:
    code = "".join(path.read_text() for path in (ROOT / "packages/clawlane/src").rglob("*.py"))
    for name in {*re.findall(r"\bCLAWLANE_\w+", CONTAINERFILE + UNIT)}:
        assert f'"{name}"' in code, name


def test_the_unit_runs_a_gateway_as_the_one_does_that_install_writes() -> None:
    ours = systemd.unit(["openclaw"], {})
    names = ("Type", "NotifyAccess", "Restart", "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "KillMode")
    for name in (*names, "UMask", "NoNewPrivileges"):
        written = re.findall(rf"^{name}=.*", UNIT, re.MULTILINE)
        assert written == re.findall(rf"^{name}=.*", ours, re.MULTILINE) != []
    (stops,) = re.findall(r"^TimeoutStopSec=(\d+)", UNIT, re.MULTILINE)
    assert int(stops) > process.STOP_S
    assert f"LoadCredential={CREDENTIAL}:" in UNIT


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("openclaw")
    path = tmp_path / "clawlane@.service"
    path.write_text(UNIT.replace("/opt/clawlane/bin/openclaw", str(program)))
    checked = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if "clawlane@" in line] == []
    assert checked.returncode == 0
