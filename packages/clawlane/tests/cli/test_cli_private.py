"""The state directory and the config belong to one person; what a command begins it clears away."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packages.clawlane.tests.cli.signals import send_until_ended

from end_to_end.forks import warm

_OPENCLAW = Path(sys.executable).parent / "openclaw"
_LINKED = ("qr", "scanned", "confirmed", "42")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("bits", [0o777, 0o770, 0o722, 0o702, 0o1777])
@pytest.mark.parametrize("command", ["channels login --channel parrot --accept-risk", "gateway run"])
def test_a_state_directory_that_others_may_write_is_refused(perch, bits: int, command: str) -> None:
    perch.script(*_LINKED)
    perch.paths.state.chmod(bits)
    told = perch(command)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith(f"error: other users can write to the state directory {perch.paths.state} (d")
    assert told.err.endswith(f"look at what is in it, then run: chmod 700 '{perch.paths.state}'\n")
    assert not perch.paths.vault_dir.exists()
    assert not perch.paths.consent_dir.exists()
    assert not perch.paths.store.exists()
    assert mode(perch.paths.state) == bits & 0o777 | bits & 0o1000


@pytest.mark.parametrize("bits", [0o755, 0o750, 0o701])
def test_one_that_others_may_read_is_made_private_with_a_line(perch, bits: int) -> None:
    perch.script(*_LINKED)
    perch.paths.state.chmod(bits)
    told = perch("channels login --channel parrot --accept-risk")
    assert told.code == 0
    assert f"Other users could read the state directory {perch.paths.state} (d" in told.out
    assert mode(perch.paths.state) == 0o700


@pytest.mark.parametrize("command", ["channels login --channel parrot --accept-risk", "gateway run"])
def test_a_config_that_others_may_write_is_refused(perch, command: str) -> None:
    perch.script(*_LINKED)
    perch.paths.config_file.chmod(0o666)
    told = perch(command)
    assert told.code == 1
    assert told.err.startswith(
        f"error: other users can write to the config file {perch.paths.config_file} (-rw-rw-rw-)"
    )
    assert perch.vault().identity() is None


def test_a_config_that_others_may_read_is_made_private_and_json_stays_json(perch) -> None:
    perch.script(*_LINKED)
    perch.paths.config_file.chmod(0o644)
    told = perch("channels login --channel parrot --accept-risk --json")
    assert [row["step"] for row in told.json][:2] == ["risk", "begin"]
    assert "other users could read the config file" in told.err
    assert mode(perch.paths.config_file) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_state_directory_of_somebody_else_is_refused(perch) -> None:
    os.chown(perch.paths.state, 12345, -1)
    told = perch("gateway run")
    assert (told.code, told.err) == (
        1,
        f"error: the state directory {perch.paths.state} belongs to uid 12345, not to you; "
        "set CLAWLANE_STATE_DIR to a folder of your own\n",
    )


@pytest.mark.parametrize(
    "command", ["gateway run", "pause", "channels login", "channels logout", "doctor", "why", "plugins list"]
)
def test_a_state_directory_that_is_none_says_what_to_do(perch, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("mine")
    perch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "file"))
    told = perch(command)
    assert (told.code, told.err) == (
        1,
        f"error: the state directory {tmp_path / 'file'} is not a folder; "
        "set CLAWLANE_STATE_DIR to a folder of your own\n",
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_a_gateway_without_a_config_points_to_the_setup_and_makes_nothing(perch, tmp_path: Path) -> None:
    perch.setenv("CLAWLANE_STATE_DIR", str(tmp_path / "new"))
    told = perch("gateway run")
    assert told.code == 1
    assert told.err.startswith(f"error: there is no config file {tmp_path / 'new' / 'config.json5'}")
    assert told.err.endswith("so there is nothing to run; run: openclaw onboard\n")
    for command in ("health", "gateway status", "channels status", "doctor", "channels list", "status"):
        told = perch(command)
        assert (told.out + told.err).count("openclaw onboard") == (command != "status"), command
    assert told.err == "error: openclaw has no command 'status'; did you mean 'openclaw channels status'?\n"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["pause", "resume", "pause --thread dm:1", "pause --account work"])
def test_pause_without_accounts_says_what_to_do_and_makes_nothing(perch, command: str) -> None:
    perch.paths.config_file.write_text("{}")
    told = perch(command)
    assert (told.code, told.err) == (
        1,
        "error: no account is configured, so there is nothing to pause or resume; "
        "set one up: openclaw onboard\n",
    )
    assert not perch.paths.store.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_login_that_is_ended_leaves_nothing_behind(perch, number: signal.Signals) -> None:
    perch.script("qr", "scanned", "wait")
    command = [_OPENCLAW, "channels", "login", "--channel", "parrot", "--accept-risk"]
    with warm.start(
        command,
        new_modules=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("Scanned by") for line in process.stdout)
        send_until_ended(process, number)
        rest = process.stdout.read()
    assert process.returncode == 128 + number
    assert rest.strip() == ""
    assert list(perch.paths.qr_dir.iterdir()) == []
    assert not perch.paths.vault_dir.exists()
    assert [path for path in perch.paths.state.rglob(".*") if path.is_file()] == []


def test_doctor_looks_at_every_file(perch, tmp_path: Path) -> None:
    perch.link()
    state = perch.paths.state
    (state / "notes.txt").write_text("mine")
    (state / "notes.txt").chmod(0o604)
    (state / "deep" / "er").mkdir(parents=True, mode=0o700)
    (state / "deep").chmod(0o700)
    (state / "deep" / "er" / "old.sqlite").touch(mode=0o640)
    (state / "link").symlink_to(tmp_path)
    os.mkfifo(state / "pipe", 0o600)
    (state / ".config.json5.0123456789ab").touch(mode=0o600)
    perch.paths.config_file.chmod(0o644)
    (told,) = perch("doctor --json").json
    found = {one["path"]: (one["severity"], one["code"]) for one in told["findings"] if one["path"][0] == "/"}
    assert found == {
        str(state / "notes.txt"): ("error", "permissions"),
        str(state / "deep" / "er" / "old.sqlite"): ("error", "permissions"),
        str(state / "link"): ("warning", "link_in_state"),
        str(state / "pipe"): ("warning", "odd_file"),
        str(state / ".config.json5.0123456789ab"): ("note", "scratch_left"),
        str(perch.paths.config_file): ("warning", "config_readable"),
    }


def test_doctor_names_what_keeps_a_gateway_from_starting(perch) -> None:
    perch.paths.state.chmod(0o777)
    perch.paths.config_file.chmod(0o620)
    (told,) = perch("doctor --json").json
    codes = {one["code"] for one in told["findings"] if one["severity"] == "error"}
    assert {"state_writable", "config_writable"} <= codes


# The sealing key elsewhere


def test_a_key_in_a_file_elsewhere_seals_and_opens(perch, tmp_path: Path) -> None:
    key = tmp_path / "sealing.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    perch.setenv("CLAWLANE_KEY_FILE", str(key))
    perch.link()
    assert asyncio.run(perch.vault().read()) == b"feathers"
    assert not (perch.paths.vault_dir / "key").exists()
    key.write_bytes(os.urandom(32))
    told = perch("channels status")
    assert "was sealed with another key" in told.out


@pytest.mark.parametrize("hexadecimal", [True, False])
def test_a_key_comes_from_systemd_credentials(perch, tmp_path: Path, hexadecimal: bool) -> None:
    made = os.urandom(32)
    (tmp_path / "clawlane-key").write_bytes(made.hex().encode() + b"\n" if hexadecimal else made)
    perch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    perch.link()
    assert asyncio.run(perch.vault().read()) == b"feathers"
    assert not (perch.paths.vault_dir / "key").exists()


def test_credentials_of_something_else_change_nothing(perch, tmp_path: Path) -> None:
    perch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    perch.link()
    assert (perch.paths.vault_dir / "key").exists()


@pytest.mark.parametrize("content", [None, b"", b"short", b"x" * 33])
def test_a_key_that_cannot_be_used_is_one_line_and_nothing_is_kept(
    perch, tmp_path: Path, content: bytes | None
) -> None:
    key = tmp_path / "sealing.key"
    if content is not None:
        key.write_bytes(content)
    perch.setenv("CLAWLANE_KEY_FILE", str(key))
    perch.script(*_LINKED)
    told = perch("channels login --channel parrot --accept-risk")
    assert told.code == 1
    assert str(key) in told.err
    assert "head -c 32 /dev/urandom" in told.err
    assert told.err.count("\n") == 1
    assert list(perch.paths.vault_dir.glob("*.session")) == []


def test_doctor_says_what_is_wrong_with_a_key_elsewhere(perch, tmp_path: Path) -> None:
    perch.link()
    key = tmp_path / "sealing.key"
    key.write_bytes((perch.paths.vault_dir / "key").read_bytes())
    key.chmod(0o644)
    perch.setenv("CLAWLANE_KEY_FILE", str(key))
    (told,) = perch("doctor --json").json
    assert {"key_permissions", "key_unused"} <= {one["code"] for one in told["findings"]}
    key.unlink()
    (told,) = perch("doctor --json").json
    assert "key_missing" in {one["code"] for one in told["findings"]}
