"""`doctor` and `directory` beside a plugin of somebody else: what is wrong, where, and what mends it."""

from __future__ import annotations

import socketserver
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from clawlane.ops.client import choose_socket


def found(perch: Any) -> dict[str, dict[str, Any]]:
    """The findings by their code, the last of each."""
    (told,) = perch("doctor --json").json
    return {one["code"]: one for one in told["findings"]}


@pytest.fixture
def home(perch: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    perch.setenv("HOME", str(folder))
    return folder


def test_a_config_that_does_not_load_is_told_in_full_and_fails(perch, home: Path) -> None:
    perch.configure("{ dmPolicy: 'ask', allowFrom: ['group:9001', ''], groupPolicy: 3 }")
    told = perch("doctor")
    assert told.code == 1
    for word in ("dmPolicy", "allowFrom[0]", "allowFrom[1]", "groupPolicy", "pairing, allowlist"):
        assert word in told.out


def test_a_file_that_is_no_json5_is_one_finding_with_its_place(perch, home: Path) -> None:
    perch.paths.config_file.write_text("{ channels: ")
    told = perch("doctor --fix")
    assert told.code == 1
    assert "config.json5:1" in told.out


def test_a_linked_account_without_anything_wrong_passes(perch, home: Path) -> None:
    perch.configure("{ groupPolicy: 'disabled' }")
    perch.link()
    assert (perch("doctor").code, perch("doctor").out) == (0, "Nothing is wrong.\n")


def test_open_doors_are_critical(perch, home: Path) -> None:
    perch.configure("{ dmPolicy: 'open', groupPolicy: 'open' }")
    perch.link()
    told = perch("doctor")
    assert told.code == 1
    assert "critical channels.parrot.dmPolicy" in told.out
    assert "→ write 'pairing'" in told.out


def test_a_gateway_that_does_not_answer_hinders_no_check_up(perch, home: Path) -> None:
    perch.link()
    listening = socketserver.UnixStreamServer(
        str(choose_socket(perch.paths, {})), socketserver.StreamRequestHandler
    )
    with listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        assert perch("channels status").err.startswith("error: the gateway did not answer")
        told = perch("doctor")
        listening.shutdown()
    assert (told.code, "groupPolicy" in told.out) == (0, True)


def test_an_unset_group_policy_is_a_note(perch, home: Path) -> None:
    perch.link()
    told = found(perch)["policy_unset"]
    assert (told["severity"], told["path"]) == ("note", "channels.parrot.groupPolicy")
    assert perch("doctor").code == 0


def test_a_risk_that_nobody_accepted_is_an_error_with_the_command(perch, home: Path) -> None:
    perch.link()
    for record in perch.paths.consent_dir.iterdir():
        record.unlink()
    assert perch("doctor").code == 1
    assert "openclaw channels login --channel parrot" in found(perch)["risk_not_accepted"]["mend"]


def test_nobody_logged_in_is_a_warning_with_the_command(perch, home: Path) -> None:
    told = found(perch)["not_linked"]
    assert told["severity"] == "warning"
    assert "openclaw channels login --channel parrot" in told["mend"]


def test_a_session_that_others_can_read_is_an_error(perch, home: Path) -> None:
    perch.link()
    (session,) = perch.paths.vault_dir.glob("*.session")
    session.chmod(0o644)
    told = found(perch)["permissions"]
    assert told["path"] == str(session)
    assert told["mend"] == f"run: chmod go-rwx '{session}'"


def test_an_older_programs_session_is_named_and_not_read(perch, home: Path) -> None:
    old = home / ".openclaw" / "credentials" / "parrot" / "credentials-work.json"
    old.parent.mkdir(parents=True)
    old.write_text('{"imei": "SECRET", "cookie": []}')
    told = perch("doctor")
    assert str(old) in told.out
    assert "SECRET" not in told.out


def test_a_name_among_the_owners_is_an_error(perch, home: Path) -> None:
    perch.paths.config_file.write_text("{ channels: { parrot: {} }, commands: { ownerAllowFrom: ['Lan'] } }")
    assert "'Lan'" in found(perch)["owner_name"]["text"]


def test_names_of_a_channel_that_cannot_look_them_up_are_left_alone(perch, home: Path) -> None:
    perch.configure("{ allowFrom: ['Lan'] }")
    perch.link()
    before = perch.paths.config_file.read_bytes()
    told = perch("doctor --fix")
    assert "cannot look people or groups up" in told.err
    assert perch.paths.config_file.read_bytes() == before


def test_a_directory_that_the_channel_lacks_is_said_in_one_line(perch) -> None:
    perch.link()
    told = perch("directory peers list")
    assert (told.code, told.out) == (1, "")
    assert told.err == "error: the channel parrot cannot look people or groups up\n"


def test_a_limit_is_a_positive_number(perch) -> None:
    assert perch("directory peers list --limit 0").code == 1
    assert "--limit" in perch("directory peers list --limit x").err
