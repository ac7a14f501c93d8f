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
_LEFT_OUT = _HEAVY | {"asyncio", "dataclasses", "json", "msgspec", "pathlib", "shutil"}
"""What the help of the program itself does without."""

_PROGRAM = """
import sys
from clawlane.cli.main import run
code = run(sys.argv[1:], "openclaw")
print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def fresh_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLAWLANE_CONFIG", raising=False)
    return tmp_path / "state"


@pytest.mark.parametrize(
    "command", [["--help"], ["channels", "--help"], ["agent", "ask", "--help"], ["--version"]]
)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    assert not _HEAVY & _imported(command)


def test_the_help_of_the_program_imports_next_to_nothing() -> None:
    assert not _LEFT_OUT & _imported(["--help"])


def _imported(command: list[str]) -> set[str]:
    run = [sys.executable, "-c", _PROGRAM, *command]
    return set(subprocess.run(run, capture_output=True, text=True, check=True).stderr.split())


@pytest.mark.parametrize("columns", ["", "40", "72", "200"])
def test_help_is_as_wide_as_the_terminal_and_at_most_80_columns(columns: str) -> None:
    env = {**os.environ, "COLUMNS": columns}
    done = subprocess.run([_BIN / "openclaw", "--help"], env=env, capture_output=True, text=True, check=True)
    width = max(map(len, done.stdout.splitlines()))
    least, most = {"40": (40, 50), "72": (60, 70)}.get(columns, (70, 78))
    assert least <= width <= most


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_was_printed_is_all_there_and_the_exit_code_too(stream: str, tmp_path: Path) -> None:
    """Into a file nothing leaves before the process ends."""
    words = {"stdout": ["--help"], "stderr": ["config", "nope"]}[stream]
    with (tmp_path / "told").open("w") as told:
        done = subprocess.run([_BIN / "openclaw", *words], check=False, **{stream: told})
    text = (tmp_path / "told").read_text()
    assert (done.returncode, text[-1]) == ({"stdout": 0, "stderr": 1}[stream], "\n")
    assert ("Read a page of help" in text) or ("has no command 'nope'" in text)


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
