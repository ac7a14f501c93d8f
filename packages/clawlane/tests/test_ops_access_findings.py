"""What is wrong with who may write, from a config and what the store knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.channel import Manifest
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.ops.access_findings import Directory, findings
from clawlane.ops.config_names import Names
from clawlane.ops.finding_text import one_line
from clawlane.ops.findings import Finding, Severity
from clawlane.store.directory import Known, LookedUp

ZALO = Manifest("zalouser", "Zalo Personal", ("zlu",), "clawlane_zalouser.settings:ZaloUserSettings", "x:X")
WORK, LAN = "9001", "1471383327500481391"
CHANNEL = "channels.zalouser"


class Zalo:
    def manifests(self) -> tuple[Manifest, ...]:
        return (ZALO,)

    def broken(self) -> Mapping[str, Exception]:
        return {}

    def installable(self) -> Mapping[str, str]:
        return {}


def found(folder: Path, text: str, *pins: Pin, groups: tuple[str, ...] = (WORK,)) -> list[Finding]:
    paths = Paths(folder, folder / "config.json5")
    paths.config_file.write_text(text, encoding="utf-8")
    config = load(paths, Zalo(), {})
    account = config.channels["zalouser"].accounts[0]
    return findings(config, account, Directory(Pins.of(pins), frozenset(groups)))


def block(text: str) -> str:
    return f"{{ channels: {{ zalouser: {{ groupPolicy: 'allowlist', {text} }} }} }}"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (block(f"allowFrom: ['1', 'zlu:{WORK}']"), "channels.zalouser.allowFrom[1]"),
        (block(f"groupAllowFrom: [{WORK}]"), "channels.zalouser.groupAllowFrom[0]"),
        (
            block(f"groups: {{ '{WORK}': {{ allowFrom: ['{WORK}'] }} }}"),
            f"{CHANNEL}.groups['9001'].allowFrom[0]",
        ),
        (block(f"accounts: {{ a: {{ allowFrom: ['{WORK}'] }} }}"), f"{CHANNEL}.accounts.a.allowFrom[0]"),
        (f"{{ commands: {{ ownerAllowFrom: ['{WORK}'] }}, {block('')[2:]}", "commands.ownerAllowFrom[0]"),
        (
            f"{{ accessGroups: {{ t: {{ members: {{ '*': ['{WORK}'] }} }} }},"
            f" {block('allowFrom: [' + repr('accessGroup:t') + ']')[2:]}",
            "accessGroups.t.members['*'][0]",
        ),
    ],
)  # fmt: skip
def test_a_group_among_senders_is_an_error_at_its_line(tmp_path: Path, text: str, path: str) -> None:
    [one] = [one for one in found(tmp_path, text) if one.code == "group_in_senders"]
    assert (one.severity, one.path, one.line) == (Severity.ERROR, path, 1)
    assert "this is a group" in one_line(one)
    assert f"write it under groups: {{ '{WORK}': {{}} }}" in one_line(one)
    assert not [one for one in found(tmp_path, text, groups=()) if one.code == "group_in_senders"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("groupAllowFrom: [], groups: { '*': {} }", {"groups_nobody": "channels.zalouser.groupAllowFrom"}),
        ("groupAllowFrom: [], groups: { '*': { allow: false } }", {}),
        ("groupAllowFrom: [], groups: { '7': { allowFrom: ['1'] } }", {}),
        (
            "groupAllowFrom: ['1'], groups: { '7': { allowFrom: [] }, '8': {} }",
            {"group_nobody": "channels.zalouser.groups['7'].allowFrom"},
        ),
        (
            "groups: { '7': { allowFrom: [] }, '8': {} }",
            {
                "group_nobody": "channels.zalouser.groups['7'].allowFrom",
                "groups_nobody": "channels.zalouser.groupAllowFrom",
            },
        ),
    ],
)
def test_a_sender_list_that_lets_nobody_in_is_named_where_it_counts(
    tmp_path: Path, text: str, codes: dict[str, str]
) -> None:
    told = {one.code: one.path for one in found(tmp_path, block(text)) if "nobody" in one.code}
    assert told == codes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "groups: { '7': { allowFrom: [] } }",
            "group 7 is let in, but nobody may speak there: its list is empty; write the ids of people into"
            " groups['7'].allowFrom, or ['*'] for anybody",
        ),
        (
            "groups: { 'Work Chat': {} }",
            "group 'Work Chat' is let in, but nobody may speak there: the list is empty; write the ids of"
            " people into groups['Work Chat'].allowFrom; for anybody add groupAllowFrom: ['*']",
        ),
        ("groups: { '7': {}, '8': {} }", "groups 7, 8 are let in"),
        ("groups: { '*': {} }", "every group is let in"),
    ],
)
def test_a_list_that_lets_nobody_in_names_its_groups(tmp_path: Path, text: str, told: str) -> None:
    [one] = [one for one in found(tmp_path, block(text)) if "nobody" in one.code]
    assert told in one_line(one)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("allowFrom: ['*']", {"dm_open"}),
        ("dmPolicy: 'allowlist', allowFrom: ['*']", {"dm_open"}),
        ("dmPolicy: 'disabled', allowFrom: ['*']", set()),
        ("groups: { '*': {} }, groupAllowFrom: ['*']", {"groups_open"}),
        ("groups: { '*': { allowFrom: ['*'] } }, groupAllowFrom: ['1']", {"groups_open"}),
        ("groups: { '*': { allowFrom: ['1'] } }, groupAllowFrom: ['*']", set()),
        ("groups: { '*': {} }, groupAllowFrom: ['1']", set()),
        ("groups: { '*': { allow: false }, '7': {} }, groupAllowFrom: ['*']", set()),
        ("groups: { '7': {} }, groupAllowFrom: ['*']", set()),
    ],
)
def test_a_star_that_lets_everybody_in_is_as_open_as_open(tmp_path: Path, text: str, codes: set[str]) -> None:
    critical = {one.code for one in found(tmp_path, block(text)) if one.severity is Severity.CRITICAL}
    assert critical == codes


def test_a_name_in_the_list_of_a_group_is_named_at_that_list(tmp_path: Path) -> None:
    text = block("groups: { '7': { allowFrom: ['Lan'] } }")
    [waiting] = found(tmp_path, text)
    assert (waiting.code, waiting.path) == ("name_waiting", "channels.zalouser.groups['7'].allowFrom")
    name = ConfigName(NameList.GROUP_SENDERS, "Lan", "7")
    assert [one.code for one in found(tmp_path, text, Pin(name))] == ["name_unresolved"]
    assert found(tmp_path, text, Pin(name, (LAN,))) == []


def test_a_name_that_nobody_has_is_told_at_its_entry_with_the_command_that_finds_ids(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    paths.config_file.write_text(block("groups: { '7': { allowFrom: ['1', 'Lan'] } }"), encoding="utf-8")
    config = load(paths, Zalo(), {})
    account = config.channels["zalouser"].accounts[0]
    name = ConfigName(NameList.GROUP_SENDERS, "Lan", "7")
    [one] = Names(config, account, {name: LookedUp(Pin(name), ())}, Known()).findings()
    assert (one.code, one.path) == ("name_unresolved", f"{CHANNEL}.groups['7'].allowFrom[1]")
    assert "openclaw directory peers list --channel zalouser --account default" in one_line(one)
