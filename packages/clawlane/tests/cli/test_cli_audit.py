"""`security audit` and `doctor --fix` beside a plugin of somebody else."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

CAREFUL = "groupPolicy: 'disabled', pairing: { reply: 'silent' }"


@pytest.fixture(autouse=True)
def home(perch: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    perch.setenv("HOME", str(folder))
    return folder


def audited(perch: Any, flags: str = "") -> dict[str, Any]:
    (told,) = perch(f"security audit --json {flags}").json
    return dict(told)


def found(perch: Any, flags: str = "") -> dict[str, dict[str, Any]]:
    """The findings by their code, the last of each."""
    return {one["code"]: one for one in audited(perch, flags)["findings"]}


def answer(perch: Any, expendable: str) -> None:
    consent = profiles_in(perch.paths).consent("parrot", "default")
    assert consent is not None
    profiles_in(perch.paths).accept(replace(consent, expendable=expendable))


def test_a_careful_lane_has_its_accepted_risk_left(perch) -> None:
    perch.configure(f"{{ {CAREFUL} }}")
    perch.link()
    answer(perch, "yes")
    assert found(perch).keys() == {"unofficial_lane", "unverified", "disclosure_unset"}
    told = perch("security audit")
    assert told.code == 0
    assert "accepted parrot/default: unofficial personal lane (Parrot): risk accepted on 20" in told.out
    assert "expendable: yes" in told.out
    assert told.out.endswith("3 findings: 1 warning, 1 note, 1 accepted; exit code 0\n")


def test_a_star_among_the_owners_is_critical(perch) -> None:
    file = perch.paths.config_file
    perch.configure(f"{{ {CAREFUL} }}")
    file.write_text(file.read_text().replace("{", "{ commands: { ownerAllowFrom: ['*'] },", 1))
    one = found(perch)["owner_anyone"]
    assert (one["severity"], one["path"]) == ("critical", "commands.ownerAllowFrom")


def test_the_accepted_risk_stays_told_after_a_logout(perch) -> None:
    perch.configure(f"{{ {CAREFUL} }}")
    perch.link()
    answer(perch, "yes")
    assert perch("channels logout --channel parrot").code == 0
    assert found(perch).keys() >= {"unofficial_lane"}


@pytest.mark.parametrize(
    ("block", "code", "severity", "path"),
    [
        ("dmPolicy: 'open', groupPolicy: 'disabled'", "dm_open", "critical", "dmPolicy"),
        ("groupPolicy: 'open', pairing: { reply: 'silent' }", "groups_open", "critical", "groupPolicy"),
        ("pairing: { reply: 'silent' }", "policy_unset", "warning", "groupPolicy"),
        ("groupPolicy: 'disabled'", "pairing_codes", "warning", "pairing"),
        (
            "groupPolicy: 'disabled', pairing: { reply: 'friends-silent' }",
            "pairing_codes",
            "note",
            "pairing",
        ),
        (f"{CAREFUL}, dmPolicy: 'allowlist'", "dm_nobody", "warning", "dmPolicy"),
        (f"{CAREFUL}, pacing: {{ enabled: false }}", "pacing_off", "warning", "pacing.enabled"),
        (f"{CAREFUL}, allowFrom: ['1', 'pol:1']", "entry_twice", "note", "allowFrom[1]"),
        (f"{CAREFUL}, allowFrom: ['Lan']", "name_waiting", "warning", "allowFrom[0]"),
        (f"{CAREFUL}, allowFrom: ['+84987654321']", "phone_number", "error", "allowFrom[0]"),
        ("groupPolicy: 'allowlist', groups: { '1': {} }", "groups_nobody", "warning", "groupAllowFrom"),
    ],
)
def test_each_careless_setting_is_named_and_goes_when_it_is_mended(
    perch, block: str, code: str, severity: str, path: str
) -> None:
    perch.configure(f"{{ {block} }}")
    told = audited(perch)
    [one] = [one for one in told["findings"] if one["code"] == code]
    assert (one["severity"], one["path"]) == (severity, f"channels.parrot.{path}")
    assert told["ok"] is (severity not in ("critical", "error"))
    assert told["counts"][severity] >= 1
    perch.configure(f"{{ {CAREFUL} }}")
    assert code not in found(perch)


@pytest.mark.parametrize(
    ("expendable", "code", "told"),
    [
        (
            "not asked",
            "risk_not_asked",
            "answer it: openclaw channels login --channel parrot --expendable yes (or no)",
        ),
        ("no", "not_expendable", "The official way is a goldfish."),
    ],
)
def test_the_answer_about_the_account_is_told_by_audit_and_status(
    perch, expendable: str, code: str, told: str
) -> None:
    perch.configure(f"{{ {CAREFUL} }}")
    perch.link()
    answer(perch, expendable)
    assert told in found(perch)[code]["fix"]
    assert f"expendable: {expendable}" in found(perch)["unofficial_lane"]["text"]
    assert audited(perch)["accounts"]["parrot/default"]["risk"]["expendable"] == expendable
    assert f"expendable: {expendable}" in perch("channels status").out


def test_a_risk_that_nobody_accepted_is_an_error(perch) -> None:
    perch.configure(f"{{ {CAREFUL} }}")
    perch.link()
    next(perch.paths.consent_dir.iterdir()).unlink()
    assert found(perch)["risk_not_accepted"]["severity"] == "error"
    assert perch("security audit").code == 1


def test_findings_are_grouped_by_account_and_one_account_can_be_asked_for(perch) -> None:
    perch.configure(
        "{ groupPolicy: 'disabled', pairing: { reply: 'silent' },"
        " accounts: { home: {}, work: { dmPolicy: 'open' } } }"
    )
    perch.link("work")
    perch.paths.state.chmod(0o750)
    told = perch("security audit")
    perch.paths.state.chmod(0o750)
    of_home = found(perch, "--account home")
    lines = told.out.splitlines()
    heads = [
        line for line in lines if line in ("parrot/work", "parrot/home", "This machine and all accounts")
    ]
    assert heads == ["parrot/work", "This machine and all accounts", "parrot/home"]
    assert "permissions" in of_home, "what concerns the machine concerns every account"
    assert "dm_open" not in of_home
    assert perch("security audit --account nobody").code == 1


def test_one_user_on_two_accounts_is_an_error_also_when_it_came_later(perch) -> None:
    perch.configure(f"{{ {CAREFUL}, accounts: {{ home: {{}} }} }}")
    perch.link("home")
    perch.configure(f"{{ {CAREFUL}, accounts: {{ work: {{}} }} }}")
    perch.link("work")
    perch.configure(f"{{ {CAREFUL}, accounts: {{ home: {{}}, work: {{}} }} }}")
    perch.configure(f"{{ {CAREFUL}, accounts: {{ home: {{}}, work: {{}}, other: {{}} }} }}")
    assert "one_user_twice" not in found(perch, "--account other")
    assert "not_linked" not in found(perch), "that is no matter of safety"
    one = found(perch)["one_user_twice"]
    assert (one["severity"], one["concerns"]) == ("error", ["parrot/home", "parrot/work"])


def test_a_config_that_does_not_load_is_audited_as_far_as_it_can_be(perch) -> None:
    perch.configure("{ dmPolicy: 'everyone' }")
    told = perch("security audit")
    assert told.code == 1
    assert "error    channels.parrot.dmPolicy" in told.out


def test_a_key_in_the_config_and_strangers_at_an_agent_are_told(perch) -> None:
    brain = {"kind": "endpoint", "url": "http://agent.lan/v1", "apiKey": "sk-s3cret"}
    config = {
        "channels": {"parrot": {"dmPolicy": "open", "groupPolicy": "disabled"}},
        "agents": {"list": [{"id": "main", "brain": brain}]},
    }
    perch.paths.config_file.write_text(json.dumps(config))
    perch.link()
    told = found(perch)
    assert {"key_in_config", "strangers_reach", "plain_http"} <= told.keys()
    assert "s3cret" not in json.dumps(told)


def test_a_lane_with_many_groups_says_where_the_rest_is_told(perch) -> None:
    groups = ", ".join(f"'{number}': {{}}" for number in range(1, 8))
    perch.configure(f"{{ groupPolicy: 'allowlist', groupAllowFrom: ['*'], groups: {{ {groups} }} }}")
    shown = perch("channels status").out
    assert "may speak  group 1: anyone, when mentioned" in shown
    assert "group 5: anyone" in shown
    assert "group 6" not in shown
    assert "and 2 more: openclaw security audit" in shown
    assert "           group 7: anyone, when mentioned" in perch("security audit").out


def test_fix_makes_files_private_and_removes_what_a_cut_off_write_left(perch) -> None:
    perch.configure("{ groupPolicy: 'disabled' }")
    perch.link()
    session = next(perch.paths.vault_dir.glob("*.session"))
    scratch = perch.paths.vault_dir / ".default.session.0123456789ab"
    fresh = perch.paths.vault_dir / ".default.session.ba9876543210"
    for path in (session, scratch, fresh, perch.paths.config_file):
        path.touch()
        path.chmod(0o644)
    os.utime(scratch, (0, 0))
    target = perch.paths.state.with_name("elsewhere")
    target.write_text("")
    target.chmod(0o644)
    (perch.paths.vault_dir / "link").symlink_to(target)

    would = perch("doctor --fix --dry-run").out
    assert f"would: chmod 600 {session}" in would
    assert f"would: remove {scratch}" in would
    assert scratch.exists()
    assert session.stat().st_mode & 0o77

    [told] = perch("doctor --fix --json").json
    assert f"chmod 600 {perch.paths.config_file}" in told["fixed"]["files"]
    assert not any(path.stat().st_mode & 0o77 for path in (session, fresh, perch.paths.config_file))
    assert not scratch.exists()
    assert fresh.exists(), "it may still be written"
    assert target.stat().st_mode & 0o77, "a link is not followed"
    assert not {"permissions", "config_readable"} & {one["code"] for one in told["findings"]}


def test_fix_removes_doubled_entries_of_every_list_and_keeps_the_rest(perch) -> None:
    text = """// mine
{ channels: { parrot: { groupPolicy: 'allowlist',
  allowFrom: ['1', '2', /* again */ 'pol:1', 1], // people
  groups: { '5': { allowFrom: ['7', '7'], allow: true } },
  accounts: { a: { groupAllowFrom: ['*', '*'] } },
} },
  accessGroups: { team: { members: { '*': ['4', '4'] } } },
  commands: { ownerAllowFrom: ['3', '3'] } }
"""
    perch.paths.config_file.write_text(text)
    assert found(perch)["entry_twice"]["fixable"] is True
    assert perch("doctor --fix").code == 0
    mended = perch.paths.config_file.read_text()
    for kept in ("// mine", "'1', '2'", "// people", "['7']", "allow: true", "['*']", "['4']", "['3']"):
        assert kept in mended
    assert "entry_twice" not in found(perch)
    assert perch.paths.config_file.with_name("config.json5.bak").read_text() == text


def test_dry_run_goes_with_fix(perch) -> None:
    assert perch("doctor --dry-run").err == "error: --dry-run goes with --fix\n"


def test_a_store_that_is_gone_is_an_error_and_the_rest_is_told(perch) -> None:
    perch.configure("{ dmPolicy: 'open', groupPolicy: 'disabled' }")
    perch.link()
    perch.paths.store.with_name("store.id").write_text("0123456789abcdef0123456789abcdef\n")
    told = perch("security audit --json")
    codes = {one["code"] for one in told.json[0]["findings"]}
    assert told.code == 1
    assert {"store_unusable", "dm_open", "unofficial_lane"} <= codes
