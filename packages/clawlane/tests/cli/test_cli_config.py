"""`config validate` and `config get`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clawlane.cli.main import run

_GOOD = "{ channels: { zalouser: { dmPolicy: 'pairing', groups: { 'Work Chat': { allow: true } } } } }"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CLAWLANE_CONFIG", str(tmp_path / "mine.json5"))
    (tmp_path / "mine.json5").write_text(_GOOD)
    return tmp_path / "mine.json5"


@pytest.fixture
def installed(file: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["plugins", "install", "@openclaw/zalouser"], "openclaw") == 0
    capsys.readouterr()
    return file


def test_a_good_file_is_ok(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate"], "openclaw") == 0
    assert capsys.readouterr() == (f"ok: {installed}\n", "")


def test_a_good_file_is_ok_in_json(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate", "--json"], "openclaw") == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True, "valid": True, "path": str(installed), "warnings": [], "findings": [],
    }  # fmt: skip


def test_an_absent_plugin_is_a_warning_with_the_command(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "validate"], "openclaw") == 0
    assert "openclaw plugins install @openclaw/zalouser" in capsys.readouterr().err


def test_a_mistake_is_told_on_stderr_and_the_file_stays(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.write_text("{ channels: { zalouser: { dmPolicy: 'everyone' } } }")
    assert run(["config", "validate"], "openclaw") == 1
    assert capsys.readouterr().err == (
        "error: channels.zalouser.dmPolicy (mine.json5:1:37): "
        "'everyone' is not one of pairing, allowlist, open, disabled\n"
    )
    assert installed.read_text() == "{ channels: { zalouser: { dmPolicy: 'everyone' } } }"


def test_mistakes_are_issues_in_json(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed.write_text("{ channels: { zalouser: { dmPolice: 1 } } }")
    assert run(["config", "validate", "--json"], "openclaw") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["valid"]) == (False, False)
    assert told["issues"] == [
        {
            "path": "channels.zalouser.dmPolice",
            "line": 1,
            "column": 27,
            "message": "unknown key",
            "hint": "did you mean 'dmPolicy'?",
        }
    ]


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("channels.zalouser.dmPolicy", "pairing\n"),
        ("channels.zalouser.groups['Work Chat'].allow", "true\n"),
        ("channels.zalouser.groups", '{\n  "Work Chat": {\n    "allow": true\n  }\n}\n'),
    ],
)
def test_get_prints_what_the_file_says(
    installed: Path, capsys: pytest.CaptureFixture[str], path: str, printed: str
) -> None:
    assert run(["config", "get", path], "openclaw") == 0
    assert capsys.readouterr().out == printed


def test_get_of_what_is_not_written_is_an_error(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "get", "channels.zalouser.dmPolic"], "openclaw") == 1
    assert capsys.readouterr().err == (
        "error: channels.zalouser.dmPolic is no key of the config; did you mean 'dmPolicy'?\n"
    )


def test_the_keys_below_a_path_are_listed(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema", "channels.zalouser.dmPolicy"], "openclaw") == 0
    assert capsys.readouterr().out == (
        "channels.zalouser.dmPolicy\n"
        '  pairing, allowlist, open, disabled; built-in: "pairing"\n'
        "  Who may write in a direct message.\n"
    )
    assert run(["config", "schema", "channels.zalouser.dmPolicies"], "openclaw") == 1
    assert "did you mean 'channels.zalouser.dmPolicy'?" in capsys.readouterr().err


def test_the_schema_is_for_programs_too(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema", "--json"], "openclaw") == 0
    channel = json.loads(capsys.readouterr().out)["properties"]["channels"]["properties"]["zalouser"]
    assert channel["additionalProperties"] is False
    assert "zaloHosts" in channel["properties"]
    assert not [key for key in channel["properties"] if "token" in key.lower()]
