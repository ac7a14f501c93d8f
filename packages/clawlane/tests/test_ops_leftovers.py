"""What older programs left: files in a home directory, variables and processes, each once it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clawlane.channel import Account, Manifest
from clawlane.config.load import ChannelConfig
from clawlane.ops.findings import Severity
from clawlane.ops.leftovers import leftovers, running
from clawlane_zalouser.settings import ZaloUserSettings

ZALO = Manifest("zalouser", "Zalo Personal", ("zlu",), "clawlane_zalouser.settings:ZaloUserSettings", "x:X")
BLOCK = ChannelConfig(ZALO, (Account("zalouser", "default", "default", ZaloUserSettings()),), "default")


def found(home: Path, proc: Path | None = None, **environ: str) -> list[tuple[str, str]]:
    told = leftovers(BLOCK, {"HOME": str(home), **environ}, proc or home / "no-proc")
    return [(one.code, one.path) for one in told]


def test_a_clean_home_has_none(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_the_older_variable_is_a_note_and_the_newer_one_is_not(tmp_path: Path) -> None:
    [one] = leftovers(BLOCK, {"HOME": str(tmp_path), "ZCA_PROFILE": "work"}, tmp_path)
    assert (one.severity, one.code, one.path) == (Severity.NOTE, "old_variable", "ZCA_PROFILE")
    assert one.data == {"value": "work", "name": "ZALOUSER_PROFILE"}
    assert found(tmp_path, ZALOUSER_PROFILE="work") == []


@pytest.mark.parametrize(
    ("file", "code", "path"),
    [
        (".openclaw/credentials/zalouser/credentials.json", "old_credentials", ""),
        (".openclaw/credentials/zalouser/credentials-work.json", "old_credentials", ""),
        (".openzca/profiles/default/credentials.json", "old_credentials", ".openzca"),
        (".openclaw/extensions/zalouser/index.ts", "old_plugin", ".openclaw/extensions/zalouser"),
    ],
)
def test_files_of_older_programs_are_named(tmp_path: Path, file: str, code: str, path: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("{}")
    assert found(tmp_path) == [(code, str(tmp_path / (path or file)))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ channels: { zalouser: { dmPolicy: 'open' } } }", True),
        ('{ "channels": { "zalouser": { "enabled": false } } }', False),
        ("{ channels: { telegram: {} } }", False),
        ("{ channels: ", False),
        ("{ channels: [" + "[" * 100_000, False),
        (f"{{ channels: {{ zalouser: {{}} }} }} // {'x' * (1 << 20)}", False),
    ],
)
def test_another_gateway_with_the_same_channel_is_named(tmp_path: Path, text: str, told: bool) -> None:
    file = tmp_path / ".openclaw" / "openclaw.json"
    file.parent.mkdir()
    file.write_text(text)
    assert found(tmp_path) == ([("other_gateway", str(file))] if told else [])


def process(proc: Path, pid: int, comm: str, *words: str) -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{comm}\n")
    (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))


def test_a_process_is_known_by_its_name_and_nothing_of_its_command_line_is_told(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    process(proc, 11, "zca", "/bin/sh", "/usr/local/bin/zca", "--token=s3cret")
    process(proc, 12, "node", "node", "/usr/lib/node_modules/.bin/openzca", "listen", "s3cret")
    process(proc, 13, "node", "node", "/srv/app.js", "zca")
    process(proc, 14, "grep", "grep", "zca")
    process(proc, 15, "kworker")
    (proc / "16").mkdir()
    (proc / "self").mkdir()
    process(proc, os.getpid(), "zca", "zca")
    assert list(running(("zca", "openzca"), proc)) == [("zca", 11), ("openzca", 12)]
    told = list(leftovers(BLOCK, {"HOME": str(tmp_path)}, proc))
    assert [(one.code, one.path, one.data["pid"]) for one in told] == [
        ("old_process", "zca", "11"),
        ("old_process", "openzca", "12"),
    ]
    assert "s3cret" not in repr(told)
