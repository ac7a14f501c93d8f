"""`doctor` and `directory` beside a plugin of somebody else: what is wrong, where, and what mends it."""

from __future__ import annotations

import json
import socketserver
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from clawlane.credentials.files import write_private
from clawlane.ops.client import choose_socket
from demo.model_server import ModelServer


def found(perch: Any) -> dict[str, dict[str, Any]]:
    """The findings by their code, the last of each."""
    (told,) = perch("doctor --json").json
    return {one["code"]: one for one in told["findings"]}


def with_agents(perch: Any, *agents: dict[str, Any], **more: Any) -> None:
    channels = {"parrot": {"groupPolicy": "disabled", "pairing": {"reply": "silent"}}}
    config = {"channels": channels, "agents": {"list": agents}, **more}
    perch.paths.config_file.write_text(json.dumps(config))


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


def test_a_linked_account_without_anything_wrong_passes(perch, home: Path, model: ModelServer) -> None:
    with_agents(perch, {"id": "main", "brain": {"kind": "endpoint", "url": model.url, "model": "any"}})
    perch.link()
    told = perch("doctor")
    assert told.code == 0
    assert found(perch).keys() == {"unofficial_lane", "risk_not_asked", "unverified", "disclosure_unset"}
    [asked] = [one for one in told.out.splitlines() if one.startswith("accepted")]
    assert asked.startswith("accepted parrot/default: unofficial personal lane (Parrot): risk accepted on 20")
    assert asked.endswith("expendable: not asked")


def test_a_database_that_is_away_is_one_finding_among_the_others(perch, home: Path) -> None:
    key, config = perch.paths.state / "key", perch.paths.config_file
    write_private(key, bytes(32))
    store = f"store: {{ url: 'postgresql://lane@127.0.0.1:1/lane' }}, secrets: {{ keyFile: '{key}' }}"
    perch.configure("{ groupPolicy: 'disabled' }", store)
    told = perch("doctor")
    assert told.code == 1
    assert told.out.count("127.0.0.1:1/lane cannot be used") == 1
    assert "agent main answers with an echo" in told.out
    config.write_text(config.read_text().replace("/lane'", "/lane', password: { file: '/nowhere' }"))
    told = perch("doctor")
    assert "store: the password of the database (store.password) is missing: the file /nowhere" in told.out
    config.write_text(config.read_text().replace("/nowhere", str(key)).replace("/lane'", "/lane?sslmod=no'"))
    told = perch("doctor")
    assert told.code == 1
    assert "store: the address of the database (store.url) cannot be read: invalid URI query" in told.out
    told = perch("cluster status")
    assert told.code == 1
    assert '(store.url) cannot be read: invalid URI query parameter: "sslmod"' in told.err + told.out


def test_an_echo_is_a_note_and_no_error(perch, home: Path) -> None:
    perch.configure("{ groupPolicy: 'disabled' }")
    perch.link()
    told = perch("doctor")
    assert told.code == 0
    echo = "note     agents.defaults: agent main answers with an echo, which repeats each message\n"
    assert f"{echo}         → configure `brain` or `model`\n" in told.out
    assert "Agent: main answers with an echo: configure `brain` or `model`\n" in perch("channels status").out
    [status] = perch("channels status --json").json
    assert status["echoes"] == ["main"]


def test_what_keeps_an_agent_from_answering_is_an_error_at_its_place(
    perch, home: Path, tmp_path: Path
) -> None:
    key = tmp_path / "agent.key"
    key.write_text("s3cret")
    key.chmod(0o640)
    with_agents(
        perch,
        {"id": "gone", "brain": {"kind": "endpoint", "url": "http://127.0.0.1:9/v1"}},
        {"id": "keyless", "brain": {"kind": "endpoint", "url": "http://h/v1", "apiKey": "${NO_SUCH_KEY}"}},
        {"id": "open", "brain": {"kind": "endpoint", "url": "http://h/v1", "apiKey": {"file": str(key)}}},
        {"id": "lost", "brain": {"kind": "command", "command": ["no-such-program"]}},
    )
    perch.link()
    assert perch("doctor").code == 1
    [told] = perch("doctor --json").json
    texts = {one["path"]: one["text"] for one in told["findings"] if one["code"] == "agent_unusable"}
    assert list(texts) == [
        "agents.list[0].brain",
        "agents.list[1].brain.apiKey",
        "agents.list[2].brain.apiKey",
        "agents.list[3].brain.command",
    ]
    assert "127.0.0.1:9 cannot be reached" in texts["agents.list[0].brain"]
    assert "the variable NO_SUCH_KEY is not set" in texts["agents.list[1].brain.apiKey"]
    assert f"chmod 600 {key}" in texts["agents.list[2].brain.apiKey"]
    assert "s3cret" not in json.dumps(told)


def test_an_agent_with_the_operators_rights_is_told_by_doctor_and_at_login(
    perch, home: Path, model: ModelServer
) -> None:
    operators = {"kind": "endpoint", "url": model.url, "model": "any", "session": "X-OpenClaw-Session-Key"}
    with_agents(
        perch,
        {"id": "main", "default": True, "brain": operators},
        {"id": "dice", "brain": {"kind": "command", "command": [sys.executable]}},
    )
    perch.script("qr", "scanned", "confirmed", "42")
    login = perch("channels login --channel parrot --accept-risk").out
    assert "everybody you admit speaks to an operator-level agent" in login
    assert "dice" not in login, "no binding leads to it"
    told = found(perch)
    assert (told["agent_operators"]["severity"], told["agent_operators"]["path"]) == (
        "warning",
        "agents.list[0].brain",
    )
    assert "runs as your user and can read your files" in told["agent_child"]["text"]
    assert perch("doctor").code == 0
    bound = {"agentId": "dice", "match": {"channel": "parrot", "peer": {"kind": "dm", "id": "7"}}}
    with_agents(
        perch,
        {"id": "main"},
        {"id": "dice", "brain": {"kind": "command", "command": ["x"]}},
        bindings=[bound],
    )
    assert "Agent dice (command) runs as your user" in perch("channels login --channel parrot").out


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


def test_an_unset_group_policy_is_a_warning(perch, home: Path) -> None:
    perch.link()
    told = found(perch)["policy_unset"]
    assert (told["severity"], told["path"]) == ("warning", "channels.parrot.groupPolicy")
    assert perch("doctor").code == 0


def test_a_risk_that_nobody_accepted_is_an_error_with_the_command(perch, home: Path) -> None:
    perch.link()
    for record in perch.paths.consent_dir.iterdir():
        record.unlink()
    assert perch("doctor").code == 1
    assert "openclaw channels login --channel parrot" in found(perch)["risk_not_accepted"]["fix"]


def test_nobody_logged_in_is_a_warning_with_the_command(perch, home: Path) -> None:
    told = found(perch)["not_linked"]
    assert told["severity"] == "warning"
    assert "openclaw channels login --channel parrot" in told["fix"]


def test_a_session_that_others_can_read_is_an_error(perch, home: Path) -> None:
    perch.link()
    (session,) = perch.paths.vault_dir.glob("*.session")
    session.chmod(0o644)
    told = found(perch)["permissions"]
    assert told["path"] == str(session)
    assert told["fix"] == f"run: chmod go-rwx '{session}'"


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


def test_another_program_of_the_name_is_found_on_the_path_of_the_command(
    perch, home: Path, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "openclaw"
    program.parent.mkdir()
    program.write_text("#!/usr/bin/env node\n")
    program.chmod(0o755)
    perch.setenv("PATH", str(program.parent))
    finding = found(perch)["other_openclaw"]
    assert (finding["severity"], finding["path"]) == ("warning", str(program))
