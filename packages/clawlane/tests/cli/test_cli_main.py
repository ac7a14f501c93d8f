"""The command line itself: quick help, usage errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clawlane.cli.main import run

_BIN = Path(sys.executable).parent
_HEAVY = {"aiohttp", "pydantic", "json5", "PIL", "cryptography", "rich"}


@pytest.fixture(autouse=True)
def fresh_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLAWLANE_CONFIG", raising=False)
    return tmp_path / "state"


@pytest.mark.parametrize(
    "command", [["--help"], ["channels", "--help"], ["agent", "ask", "--help"], ["--version"]]
)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['openclaw', *sys.argv[1:]]\n"
        "from clawlane.cli.main import main\n"
        "try: main()\n"
        "finally: print(*sorted(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
    )
    assert not _HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("name", ["openclaw", "clawlane"])
def test_both_names_are_the_same_program(name: str) -> None:
    done = subprocess.run([_BIN / name, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: {name} ")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["chanels"], "error: openclaw has no command 'chanels'; did you mean 'channels'?\n"),
        (["--nope"], "error: No such option '--nope'; see: openclaw --help\n"),
        (["plugins", "install"], "error: Missing argument 'SPEC'; see: openclaw plugins install --help\n"),
        (["channels", "status", "--channel"], "error: Option '--channel' requires an argument\n"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_1(
    args: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args, "openclaw") == 1
    assert capsys.readouterr().err == told


def test_a_group_without_a_command_shows_its_help_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["channels"], "openclaw") == 1
    assert "Usage: openclaw channels" in capsys.readouterr().out


def test_an_error_is_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["channels", "status", "--channel", "zalousr", "--json"], "openclaw") == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "error": {"message": "unknown channel 'zalousr'", "help": "did you mean 'zalouser'?"},
    }


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [_BIN / "openclaw", "plugins", "list"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_nobody_foresaw_is_one_line(fresh_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh_state.write_text("a file where the state directory should be")
    assert run(["plugins", "list"], "openclaw") == 1
    assert capsys.readouterr().err.count("\n") == 1
