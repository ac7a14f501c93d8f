"""Backup, restore, rollback, upgrade and uninstall as they are typed, and where a passphrase comes from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

WORDS = "mật khẩu sao lưu"


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "pass"
    file.write_text(f"{WORDS}\nthe second line is a note\n")
    return file


def test_a_backup_says_what_is_in_it_and_what_is_not(perch, tmp_path: Path, passphrase: Path) -> None:
    perch.link()
    told = perch(f"backup {tmp_path}/b --passphrase-file {passphrase}")
    assert told.code == 0, told.err
    first, second, third = told.out.splitlines()
    assert first.startswith(f"Backed up to {tmp_path}/b (")
    assert "1 accepted risk" in first
    assert second.startswith("Not in it: logins (--with-session), files that people sent (--with-media), ")
    assert third == "Nobody can open it without the passphrase. Try it: openclaw restore --list FILE"
    perch.setenv("CLAWLANE_BACKUP_PASSPHRASE", WORDS)
    listed = perch(f"restore --list {tmp_path}/b").out
    assert "accounts   parrot/default" in listed
    assert "logins     no" in listed
    assert listed.endswith("It is whole.\n")
    key = perch.paths.vault_dir / "key"
    (told_json,) = perch(f"backup {tmp_path}/c --with-session --json").json
    assert "vault/key" in [one["name"] for one in told_json["entries"]]
    perch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "there"))
    restored = perch(f"restore {tmp_path}/b")
    assert restored.code == 0, restored.err
    assert "1. Log the old gateway out, or the two end each other's connections." in restored.out
    assert "2. Every account is paused." in restored.out
    secrets = (key.read_bytes(), Path(perch.vault().where).read_bytes())
    for file in (tmp_path / "there").rglob("*"):
        assert not file.is_file() or not any(secret in file.read_bytes() for secret in secrets), file


def test_without_somebody_to_ask_the_passphrase_has_to_be_somewhere(perch, tmp_path: Path) -> None:
    told = perch(f"backup {tmp_path}/b")
    assert (told.code, told.out) == (1, "")
    assert told.err == (
        "error: there is nobody to ask for the passphrase;"
        " write --passphrase-file FILE, or set CLAWLANE_BACKUP_PASSPHRASE\n"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty, and has to be the passphrase"),
        (b"\nlate", "is empty, and has to be the passphrase"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"short", "too short"),
    ],
)
def test_a_passphrase_that_is_none_is_refused(
    perch, tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "pass").write_bytes(content)
    found = perch(f"backup {tmp_path}/b --passphrase-file {tmp_path}/pass")
    assert (found.code, len(found.err.splitlines())) == (1, 1)
    assert told in found.err
    assert not (tmp_path / "b").exists()


def test_a_new_passphrase_is_typed_twice_and_not_shown(perch, tmp_path: Path) -> None:
    child = pexpect.spawn(
        str(Path(sys.executable).with_name("openclaw")),
        ["backup", str(tmp_path / "b")],
        env={**os.environ, "CLAWLANE_STATE_DIR": str(perch.paths.state), "TERM": "dumb", "PYTHONUTF8": "1"},
        encoding="utf-8",
        timeout=60,
    )
    for question, typed in (
        ("Passphrase: ", WORDS),
        ("Once more: ", "another one"),
        ("Passphrase: ", WORDS),
        ("Once more: ", WORDS),
    ):
        child.expect_exact(question)
        assert WORDS not in (child.before or "")
        child.sendline(typed)
    child.expect_exact("Backed up to")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_there_is_nothing_to_go_back_to_and_nothing_to_accept(perch) -> None:
    assert perch("store rollback --list").out == "No copy is kept.\n"
    refused = perch("store rollback --yes")
    assert (refused.code, refused.err) == (
        1,
        "error: there is no copy of the store from before an upgrade;"
        " put a backup back: openclaw restore FILE --force\n",
    )
    assert perch("upgrade show").out == "No upgrade changed anything.\n"
    assert perch("upgrade accept").err == "error: no account waits for it\n"


def test_uninstall_lists_first_and_asks(perch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    perch.link()
    told = perch("uninstall --purge")
    assert (told.code, told.err) == (
        1,
        "error: nobody can be asked whether to remove it; say so with --yes\n",
    )
    assert "logins and their key" in told.out
    assert perch.vault().identity() is not None
    kept = perch("uninstall --yes")
    assert (kept.code, perch.vault().identity() is not None) == (0, True)
    assert f"Everything else is kept in {perch.paths.state}" in kept.out
    done = perch("uninstall --purge --yes")
    assert (done.code, perch.paths.state.exists()) == (0, False)
    assert "On the phone, end the session under Zalo's logged-in devices." in done.out
