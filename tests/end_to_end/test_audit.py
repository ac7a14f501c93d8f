"""The audit from outside: an open lane is critical until it is closed, and no lane is ever clean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from demo.stage import Gateway, Operator, Simulator
from end_to_end.steps import account, listening, person

CLOSED = "{ channels: { zalouser: { dmPolicy: 'pairing', groupPolicy: 'disabled' } } }"
OPEN = "{ channels: { zalouser: { dmPolicy: 'open', groupPolicy: 'open' } } }"


@pytest.fixture
def config(state: Path) -> Path:
    return state / "config.json5"


@pytest.fixture
def home(linked: Operator, tmp_path: Path) -> Path:
    """A home directory of its own, as the commands see it."""
    folder = tmp_path / "home"
    folder.mkdir()
    linked.env["HOME"] = str(folder)
    return folder


def audited(operator: Operator) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of the audit, and its findings by their code."""
    done = operator.run("security", "audit", "--json")
    told = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    assert told["ok"] is (done.returncode == 0)
    return done.returncode, {one["code"]: one for one in told["findings"]}


def group(zalo: Simulator, name: str, *members: str) -> str:
    return str(zalo.do("/group", name=name, members=members)["gid"])


def test_an_open_lane_is_critical_until_it_is_closed_and_no_lane_is_ever_clean(
    linked: Operator, home: Path, config: Path
) -> None:
    config.write_text(OPEN)
    shown = linked.run("security", "audit")
    assert shown.returncode == 1
    assert "critical channels.zalouser.dmPolicy (line 1): 'open' lets anybody write directly" in shown.stdout
    assert "critical channels.zalouser.groupPolicy (line 1): 'open' lets every group" in shown.stdout
    assert "any group: anyone, when mentioned" in shown.stdout
    assert "accepted zalouser/default: unofficial personal lane (Zalo Personal)" in shown.stdout
    assert shown.stdout.rstrip().endswith("; exit code 1")

    config.write_text("{ channels: { zalouser: { dmPolicy: 'pairing' } } }")
    code, found = audited(linked)
    assert (code, found["policy_unset"]["severity"]) == (0, "warning")

    config.write_text(CLOSED)
    code, found = audited(linked)
    assert code == 0
    assert not {"dm_open", "groups_open", "policy_unset"} & found.keys()
    lane = found["unofficial_lane"]
    assert (lane["accepted"], lane["concerns"]) == (True, ["zalouser/default"])
    assert "expendable: not asked" in lane["text"]
    assert found["risk_not_asked"]["severity"] == found["unverified"]["severity"] == "warning"


def test_a_group_has_senders_of_its_own_and_everybody_hears_who_may_speak(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    lan, hung = person(zalo, "Đặng Lan"), person(zalo, "Lê Hùng")
    work, family = group(zalo, "Work Chat", lan, hung), group(zalo, "Gia Đình", lan, hung)
    config.write_text(
        f"""{{ channels: {{ zalouser: {{ dmPolicy: 'pairing', groupPolicy: 'allowlist',
          groupAllowFrom: ['{hung}'],
          groups: {{
            'Work Chat': {{ allowFrom: ['Đặng Lan', 'Nobody'], requireMention: false }},
            '{family}': {{}} }} }} }} }}"""
    )
    listening(gateway)
    gateway.said(f"groups['Work Chat'].allowFrom 'Đặng Lan' is pinned to {lan}")
    for sender, words in ((hung, "not answered"), (lan, "answered")):
        zalo.do("/say", **{"from": sender, "group": work, "text": words})
    assert zalo.wait("sent")["text"] == "answered"
    why = linked.run("why", "--last", "2").stdout
    place = "channels.zalouser.groups['Work Chat'].allowFrom (line 4)"
    assert f"The sender Lê Hùng ({hung}) is not in {place}." in why
    assert f"{place} lets the sender speak" in why

    explained = json.loads(linked.run("policy", "explain", "--from", hung, "--group", work, "--json").stdout)
    rule = explained["rule"]
    assert (rule["path"], rule["line"]) == ("channels.zalouser.groups['Work Chat'].allowFrom", 4)

    told = {one["group"]: one for one in account(linked)["speakers"]}
    assert told[work]["text"] == (
        f"Work Chat ({work}): 1 person (Đặng Lan), without a mention, but not 'Nobody', pinned to nobody"
    )
    assert told[family]["text"] == f"Gia Đình ({family}): 1 person (Lê Hùng), when mentioned"
    shown = linked.run("channels", "status").stdout
    assert f"may speak  Work Chat ({work}): 1 person" in shown
    gateway.stop()
    gateway.start()
    gateway.said(f"Work Chat ({work}): 1 person (Đặng Lan), without a mention")


def test_the_id_of_a_known_group_among_senders_is_an_error_everywhere(
    linked: Operator, zalo: Simulator, gateway: Gateway, config: Path
) -> None:
    work = group(zalo, "Work Chat", person(zalo))
    assert linked.run("directory", "groups", "list").returncode == 0
    assert linked.run("config", "validate").returncode == 0
    config.write_text(
        f"""{{ channels: {{ zalouser: {{ groupPolicy: 'disabled',
          allowFrom: ['{work}'] }} }} }}"""
    )
    place = "channels.zalouser.allowFrom[0] (line 2): this is a group"
    validated = linked.run("config", "validate")
    assert validated.returncode == 1
    for told in (validated.stdout, linked.run("doctor").stdout, linked.run("security", "audit").stdout):
        assert place in told
        assert f"write it under groups: {{ '{work}': {{}} }}" in told
    listening(gateway)
    gateway.said(f"error: {place}")
    assert "group_in_senders" in {one["code"] for one in account(linked)["findings"]}


@pytest.mark.long
def test_what_other_programs_left_is_named_and_their_command_lines_are_not(
    linked: Operator, home: Path, config: Path, tmp_path: Path
) -> None:
    config.write_text(CLOSED)
    for folder in (
        ".openzca/profiles/default",
        ".openclaw/credentials/zalouser",
        ".openclaw/extensions/zalouser",
    ):
        (home / folder).mkdir(parents=True)
    (home / ".openclaw/credentials/zalouser/credentials.json").write_text('{ "cookie": "s3cret" }')
    (home / ".openclaw/openclaw.json").write_text("{ channels: { zalouser: { dmPolicy: 'open' } } }")
    linked.env["ZCA_PROFILE"] = "default"
    with program("zca", tmp_path, "--token", "s3cret") as old:
        done = linked.run("security", "audit", "--json")
        alone = linked.run("doctor").stdout
    found = [(one["code"], one["path"]) for one in json.loads(done.stdout)["findings"]]
    assert ("old_variable", "ZCA_PROFILE") in found
    assert ("old_credentials", str(home / ".openzca")) in found
    assert ("old_credentials", str(home / ".openclaw/credentials/zalouser/credentials.json")) in found
    assert ("old_plugin", str(home / ".openclaw/extensions/zalouser")) in found
    assert ("other_gateway", str(home / ".openclaw/openclaw.json")) in found
    assert ("old_process", "zca") in found
    assert f"zca: runs as your user (pid {old.pid})" in alone
    assert "s3cret" not in done.stdout + alone


@contextmanager
def program(name: str, folder: Path, *words: str) -> Iterator[Popen[bytes]]:
    """A running program of that name."""
    file = folder / name
    file.write_text("#!/bin/sh\necho up\nread -r line\n")
    file.chmod(0o700)
    with Popen([file, *words], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


@pytest.mark.long
def test_fix_shows_what_it_would_do_and_then_does_it(
    linked: Operator, zalo: Simulator, config: Path, state: Path
) -> None:
    lan = person(zalo, "Đặng Lan")
    text = f"""// the family's bot
{{ channels: {{ zalouser: {{ groupPolicy: 'disabled', dmPolicy: 'allowlist',
  allowFrom: [
    '{lan}', // chị Lan
    'Đặng Lan', // the same
    'zlu:{lan}',
  ], pairing: {{ reply: 'silent' }} }} }} }}
"""
    config.write_text(text)
    vault = state / "vault"
    vault.chmod(0o755)
    would = linked.run("doctor", "--fix", "--dry-run")
    assert config.read_text() == text
    assert f"would: chmod 700 {vault}" in would.stdout
    assert f"-    'zlu:{lan}'," in would.stdout
    assert vault.stat().st_mode & 0o77

    done = linked.run("doctor", "--fix")
    assert done.returncode == 0, done.stdout
    assert config.read_text() == text.replace("    'Đặng Lan', // the same\n", "").replace(
        f"    'zlu:{lan}',\n", ""
    )
    assert config.with_name("config.json5.bak").read_text() == text
    assert not vault.stat().st_mode & 0o77
