"""Groups: rows S38 to S56 and S79."""

from __future__ import annotations

import pytest

from checklist.desk import Desk

ANYONE = "1471383327500481391"
EXAMPLE = """{
  channels: {
    zalouser: {
      groupPolicy: 'allowlist',
      groupAllowFrom: ['1471383327500481391'],
      groups: {
        '*': { allow: true, requireMention: true },
        'Work Chat': { allow: true, requireMention: false },
      },
    },
  },
}
"""
START = """{
  channels: {
    zalouser: {
      enabled: true,
      dmPolicy: 'pairing',
      groupPolicy: 'disabled',
    },
  },
}
"""
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def group(desk: Desk) -> str:
    desk.lan = desk.person("Lan", friend=True)  # type: ignore[attr-defined]
    desk.minh = desk.person("Minh")  # type: ignore[attr-defined]
    return desk.group("Work Chat", "Lan", "Minh")


def reason(desk: Desk, group: str, *more: str, sender: str = ANYONE) -> str:
    return str(desk.explained(sender, "--group", group, *more)["reason"])


@pytest.mark.row("S38", "S42", "S56", "S79")
def test_unset_means_nobody_and_the_old_default_is_one_visible_line(desk: Desk, group: str) -> None:
    desk.channel("dmPolicy: 'pairing'")
    told = desk.json("config", "get", "--effective", "channels.zalouser.groupPolicy")
    [told] = told["values"]
    assert (told["value"], told["origin"]) == ("allowlist", "built-in")
    assert reason(desk, group, "--mention") == "group_no_allowlist"
    desk.write("{ channels: { defaults: { groupPolicy: 'open' }, zalouser: {} } }")
    told = desk.explained(ANYONE, "--group", group, "--mention")
    assert (told["reason"], told["rule"]["path"]) == ("group_admitted", "channels.defaults.groupPolicy")
    desk.listen()
    message = desk.calls(desk.lan, "ai đó?", group)  # type: ignore[attr-defined]
    desk.reply(group)
    assert "channels.defaults.groupPolicy" in desk.ok("why", message)


@pytest.mark.row("S39", "S40")
def test_the_trap_is_named_until_groups_are_off(desk: Desk, group: str) -> None:
    codes = {one["code"]: one["severity"] for one in desk.json("security", "audit")["findings"]}
    assert codes["groups_open"] == "critical"
    desk.write("{ channels: { zalouser: {} } }")
    codes = {one["code"]: one["severity"] for one in desk.json("security", "audit")["findings"]}
    assert codes["policy_unset"] == "warning"
    desk.write(START)
    codes = {one["code"]: one["severity"] for one in desk.json("security", "audit")["findings"]}
    assert not {"groups_open", "policy_unset"} & set(codes)
    desk.listen()
    message = desk.calls(desk.lan, "/new", group)  # type: ignore[attr-defined]
    assert desk.decision(message)["reason"] == "group_disabled"


@pytest.mark.row("S41", "S43")
def test_the_blocks_of_the_seed_are_taken_as_written(desk: Desk) -> None:
    for block in (START, EXAMPLE):
        desk.write(block)
        desk.ok("config", "validate")


@pytest.mark.row("S44", "S45", "S46", "S49", "S50", "S51")
def test_entry_sender_and_mention_are_checked_in_this_order(desk: Desk, group: str) -> None:
    desk.channel(
        f"groupPolicy: 'allowlist', groupAllowFrom: ['{ANYONE}'],"
        f" groups: {{ '*': {{ allow: true }}, '{group}': {{ requireMention: false }},"
        " '98': { allow: false } }"
    )
    assert reason(desk, group) == "group_admitted"
    assert reason(desk, group, sender="99") == "group_sender_not_allowed"
    assert reason(desk, "4455") == "mention_required"
    assert reason(desk, "4455", "--mention") == "group_admitted"
    assert reason(desk, "98", "--mention") == "group_entry_disabled"
    desk.channel(f"groupPolicy: 'open', groups: {{ '{group}': {{ requireMention: false }} }}")
    assert reason(desk, group) == "group_admitted"
    assert reason(desk, "4455") == "mention_required"
    desk.channel(f"groupPolicy: 'allowlist', groups: {{ '{group}': {{ allowFrom: ['77'] }} }}")
    assert reason(desk, group, "--mention", sender="77") == "group_admitted"
    assert reason(desk, group, "--mention") == "group_sender_not_allowed"


@pytest.mark.row("S47", "S48")
def test_unset_senders_fall_back_and_count_for_commands(desk: Desk, group: str) -> None:
    desk.channel(f"groupPolicy: 'allowlist', allowFrom: ['{ANYONE}'], groups: {{ '{group}': {{}} }}")
    told = desk.explained(ANYONE, "--group", group, "--mention")
    assert told["reason"] == "group_admitted"
    assert any("allowFrom" in step for step in told["trail"])
    assert reason(desk, group, "--text", "/new", sender="99") == "group_sender_not_allowed"
    desk.channel(f"groupPolicy: 'allowlist', groups: {{ '{group}': {{}} }}")
    assert reason(desk, group, "--mention") == "group_sender_list_empty"
    desk.channel(f"groupPolicy: 'open', groupAllowFrom: ['*'], groups: {{ '{group}': {{}} }}")
    assert reason(desk, group, "--text", "/new", sender="99") in ("command_unauthorized", "group_admitted")


@pytest.mark.row("S52", "S53", "S54", "S65")
def test_what_was_skipped_goes_with_the_next_mention(desk: Desk, group: str) -> None:
    block = f"groupPolicy: 'allowlist', groupAllowFrom: ['*'], groups: {{ '{group}': {{}} }}"
    desk.channel(f"{block}, historyLimit: 1")
    desk.listen()
    for text in ("một", "hai"):
        message = desk.says(desk.minh, text, group=group)  # type: ignore[attr-defined]
        told = desk.decision(message)
        assert (told["outcome"], told["reason"]) == ("pend", "mention_required")
    called = desk.calls(desk.minh, "tóm tắt", group)  # type: ignore[attr-defined]
    desk.reply(group)
    assert desk.decision(called)["reason"] == "group_admitted"
