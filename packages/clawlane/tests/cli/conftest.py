"""A stage for the command line: a state directory, and the parrot plugin as Python finds it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.cli.main import run
from clawlane.config.paths import Paths
from clawlane.credentials.vault import ProfileVault
from demo.model_server import ModelServer, served
from json_shapes import shaped

_PARROT = Path(__file__).parent / "parrot"


@dataclass
class Told:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """Every line of the output as a JSON object, in the shapes that all commands share."""
        return [shaped(json.loads(line)) for line in self.out.splitlines()]


class Perch:
    """A state directory with the parrot installed, and the means to type commands."""

    def __init__(
        self, state: Path, capsys: pytest.CaptureFixture[str], setenv: Callable[[str, str], None]
    ) -> None:
        self.paths = Paths(state, state / "config.json5")
        self.setenv = setenv
        self._capsys = capsys

    def __call__(self, line: str) -> Told:
        self.setenv("LANGUAGE", "")  # a command that speaks Vietnamese sets it, and ends with its process
        code = copy_context().run(run, line.split(), "openclaw")
        out, err = self._capsys.readouterr()
        return Told(code, out, err)

    def shown(self, line: str) -> str:
        """What a command that works prints into 80 columns."""
        told = self(line)
        assert told.code == 0, told.err
        assert [line for line in told.out.splitlines() if len(line) > 80] == []
        return told.out

    def script(self, *steps: str) -> None:
        self.setenv("PARROT_SCRIPT", json.dumps(steps))

    def configure(self, block: str, rest: str = "") -> None:
        self.paths.config_file.write_text(f"{{ channels: {{ parrot: {block} }}, {rest} }}")

    def link(self, account: str = "default") -> None:
        self.script("qr", "scanned", "confirmed", "42")
        assert self(f"channels login --channel parrot --account {account} --accept-risk").code == 0

    def vault(self, profile: str = "default") -> ProfileVault:
        return profiles_in(self.paths).vault("parrot", profile)

    def consent(self) -> dict[str, str]:
        found = profiles_in(self.paths).consent("parrot", "default")
        assert found is not None
        return {"user": found.user_id, "expendable": found.expendable, "how": found.how}


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output goes to a program: tests that run beside each other inherit the width of a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    os.unsetenv("COLUMNS")  # the readline library sets it where only child processes see it


@pytest.fixture
def perch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Perch]:
    sys.modules.pop("parrot_channel", None)  # other tests ship plugins of that name, too
    site = tmp_path / "site"
    info = site / "parrot_channel-1.2.dist-info"
    info.mkdir(parents=True)
    shutil.copy(_PARROT / "parrot_channel.py", site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot-channel\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[clawlane.channels]\nparrot = parrot_channel:MANIFEST\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "state"))
    for name in ("CLAWLANE_CONFIG", "PARROT_STATE", "PARROT_PROBE", "PARROT_CAGE", "PARROT_HEARS"):
        monkeypatch.delenv(name, raising=False)
    made = Perch(tmp_path / "state", capsys, monkeypatch.setenv)
    assert made(f"plugins install {_PARROT}").code == 0
    made.configure("{}")
    yield made
    sys.modules.pop("parrot_channel", None)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model on loopback; tests give it a script."""
    with served() as server:
        yield server
