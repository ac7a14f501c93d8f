"""From the config file to decisions: what the seed's files mean, and which line each rule comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from clawlane.access.decision import Outcome, Reason, Rule
from clawlane.access.names import ConfigName, Match, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.channel import Manifest
from clawlane.config.choices import Acks, DmPolicy, GroupPolicy
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Mention, Thread, ThreadKind

NOW = 1_700_000_000_000
ME, LISTED, STRANGER = "100", "1471383327500481391", "222"
WORK, OTHER = "777", "888"


class OneChannel:
    def manifests(self) -> tuple[Manifest, ...]:
        settings = "clawlane.config.settings:ChannelSettings"
        return (Manifest("zalouser", "Zalo Personal", ("zlu",), settings, runtime="unused:Unused"),)

    def broken(self) -> Mapping[str, Exception]:
        return {}

    def installable(self) -> Mapping[str, str]:
        return {}


Reading = Callable[..., AccessPolicy]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    def read(text: str, account: str | None = None) -> AccessPolicy:
        paths = Paths(tmp_path, tmp_path / "config.json5")
        paths.config_file.write_text(text, encoding="utf-8")
        config = load(paths, OneChannel(), {})
        found = config.channels["zalouser"].account(account)
        assert found is not None
        return AccessPolicy.of(config, found)

    return read


def message(group: str, sender: str, mentions: bool = False) -> Inbound:
    spans = (Mention(ME, 0, 4),) if mentions else ()
    return Inbound("default", "m1", Thread(ThreadKind.GROUP, group), sender, "", "@Bot hi", NOW, spans)


SEED = """{
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
}"""
PINNED = Pins.of([Pin(ConfigName(NameList.GROUPS, "Work Chat"), (WORK,))])
GROUPS = "channels.zalouser.groups"


@pytest.mark.parametrize(
    ("group", "sender", "mentions", "reason", "path"),
    [
        (WORK, LISTED, False, Reason.GROUP_ADMITTED, f"{GROUPS}['Work Chat'].requireMention"),
        (WORK, STRANGER, True, Reason.GROUP_SENDER_NOT_ALLOWED, "channels.zalouser.groupAllowFrom"),
        (OTHER, LISTED, True, Reason.GROUP_ADMITTED, f"{GROUPS}['*']"),
        (OTHER, LISTED, False, Reason.MENTION_REQUIRED, f"{GROUPS}['*'].requireMention"),
        (OTHER, STRANGER, True, Reason.GROUP_SENDER_NOT_ALLOWED, "channels.zalouser.groupAllowFrom"),
    ],
)
def test_the_seeds_narrow_example(
    reading: Reading, group: str, sender: str, mentions: bool, reason: Reason, path: str
) -> None:
    decision = decide(message(group, sender, mentions), reading(SEED), Grants(ME, pins=PINNED), NOW)
    assert (decision.reason, decision.rule.path) == (reason, path)


@pytest.mark.parametrize("pins", [Pins(), PINNED, Pins.of([Pin(ConfigName(NameList.GROUPS, "Work Chat"))])])
def test_a_group_that_a_stranger_renames_to_work_chat_stays_what_it_is(reading: Reading, pins: Pins) -> None:
    decision = decide(message(OTHER, LISTED), reading(SEED), Grants(ME, pins=pins), NOW)
    assert decision.outcome is Outcome.PEND
    assert "entry:*" in decision.trail


def test_a_key_pinned_by_slug_counts_like_the_name(reading: Reading) -> None:
    pins = Pins.of([Pin(ConfigName(NameList.GROUPS, "Work Chat"), (WORK,), Match.SLUG)])
    assert decide(message(WORK, LISTED), reading(SEED), Grants(ME, pins=pins), NOW).admitted


def test_each_rule_knows_its_line(reading: Reading) -> None:
    policy = reading(SEED)
    assert policy.groups_rule == Rule("channels.zalouser.groupPolicy", "channel", 4)
    assert policy.group_allow_rule == Rule("channels.zalouser.groupAllowFrom", "channel", 5)
    assert policy.group_table.any is not None
    assert policy.group_table.any.mention_rule == Rule(f"{GROUPS}['*'].requireMention", "channel", 7)
    assert policy.dm_rule == Rule("channels.zalouser.dmPolicy", "built-in")
    assert policy.names_to_pin() == (ConfigName(NameList.GROUPS, "Work Chat"),)


def test_what_nobody_wrote_is_closed(reading: Reading) -> None:
    policy = reading("{ channels: { zalouser: {} } }")
    assert (policy.dm, policy.groups, policy.group_allow) == (DmPolicy.PAIRING, GroupPolicy.ALLOWLIST, None)
    assert (policy.history_limit, policy.acks, policy.text_commands) == (50, Acks.AUTO, True)
    decision = decide(message(WORK, LISTED, mentions=True), policy, Grants(ME), NOW)
    assert decision.reason is Reason.GROUP_NO_ALLOWLIST


def test_values_come_from_the_account_the_channel_and_what_channels_inherit(reading: Reading) -> None:
    text = """{
  channels: {
    defaults: { groupPolicy: 'open' },
    zalouser: {
      allowFrom: ['1'],
      accounts: { Work: {
        allowFrom: ['2'],
        groups: { '777': { enabled: false } },
      } },
    },
  },
  messages: { groupChat: {
    mentionPatterns: ['claw'],
    historyLimit: 7,
  } },
  commands: { ownerAllowFrom: ['zalouser:9'], text: false },
}"""
    policy = reading(text, "work")
    assert policy.groups_rule == Rule("channels.defaults.groupPolicy", "defaults", 3)
    assert policy.allow_rule == Rule("channels.zalouser.accounts.Work.allowFrom", "account", 7)
    assert policy.history_rule == Rule("messages.groupChat.historyLimit", "defaults", 14)
    assert policy.mention_patterns_rule == Rule("messages.groupChat.mentionPatterns", "defaults", 13)
    assert policy.owners_rule == Rule("commands.ownerAllowFrom", "defaults", 16)
    assert (policy.history_limit, policy.text_commands) == (7, False)
    assert "9" in policy.owners
    decision = decide(message(WORK, LISTED), policy, Grants(ME), NOW)
    path = "channels.zalouser.accounts.Work.groups['777'].enabled"
    assert (decision.reason, decision.rule) == (Reason.GROUP_ENTRY_DISABLED, Rule(path, "account", 8))


@pytest.mark.parametrize("written", ["1234567890123456789012345", "'1234567890123456789012345'"])
def test_an_id_of_25_digits_matches_exactly(reading: Reading, written: str) -> None:
    policy = reading(f"{{ channels: {{ zalouser: {{ allowFrom: [{written}] }} }} }}")
    for sender, reason in (
        ("1234567890123456789012345", Reason.DM_ALLOWLISTED),
        ("1234567890123456789012346", Reason.DM_PAIRING_REQUIRED),
        ("1234567890123456800000000", Reason.DM_PAIRING_REQUIRED),
        ("01234567890123456789012345", Reason.DM_PAIRING_REQUIRED),
    ):
        inbound = Inbound("default", "m1", Thread(ThreadKind.DM, sender), sender, "", "hi", NOW)
        assert decide(inbound, policy, Grants(ME), NOW).reason is reason


def test_an_access_group_stands_for_its_people_and_their_names_are_pinned_in_the_list(
    reading: Reading,
) -> None:
    policy = reading(
        "{ channels: { zalouser: { groupAllowFrom: ['accessGroup:vip'], groups: { '777': {} } } },"
        " accessGroups: { vip: { members: { zalouser: ['1', 'Chị Hoa'], '*': ['2'] } } } }"
    )
    pins = Pins.of([Pin(ConfigName(NameList.GROUP_ALLOW_FROM, "Chị Hoa"), ("3",))])
    for sender in ("1", "2", "3"):
        assert decide(message(WORK, sender, mentions=True), policy, Grants(ME, pins=pins), NOW).admitted
    assert policy.names_to_pin() == (ConfigName(NameList.GROUP_ALLOW_FROM, "Chị Hoa"),)


def test_the_list_of_a_group_is_read_with_its_line_and_its_names(reading: Reading) -> None:
    policy = reading(
        """{ accessGroups: { vip: { members: { zalouser: ['1', 'Chị Hoa'] } } },
          channels: { zalouser: { groupAllowFrom: ['7'], groups: {
            'Work Chat': {
              allowFrom: ['accessGroup:vip', 'zlu: 2'] },
            '888': {} } } } }"""
    )
    hoa = ConfigName(NameList.GROUP_SENDERS, "Chị Hoa", "Work Chat")
    assert policy.names_to_pin() == (ConfigName(NameList.GROUPS, "Work Chat"), hoa)
    pins = Pins.of([Pin(ConfigName(NameList.GROUPS, "Work Chat"), (WORK,)), Pin(hoa, ("3",))])
    for sender in ("1", "2", "3"):
        decision = decide(message(WORK, sender, mentions=True), policy, Grants(ME, pins=pins), NOW)
        assert decision.admitted
        assert f"sender:{GROUPS}['Work Chat'].allowFrom (line 4)" in decision.trail
    refused = decide(message(WORK, "7", mentions=True), policy, Grants(ME, pins=pins), NOW)
    assert refused.reason is Reason.GROUP_SENDER_NOT_ALLOWED
    assert refused.rule == Rule(f"{GROUPS}['Work Chat'].allowFrom", "channel", 4)
    assert "allowFrom: ['accessGroup:vip', 'zlu: 2']" in refused.rule.text
    assert decide(message("888", "7", mentions=True), policy, Grants(ME, pins=pins), NOW).admitted


INHERITED = "{ channels: { defaults: { groupPolicy: 'open' }, zalouser: { %s } } }"
OWN = "{ channels: { defaults: { groupPolicy: 'open' }, zalouser: { groupPolicy: 'allowlist', %s } } }"
DEFAULT = "channels.defaults.groupPolicy"


@pytest.mark.parametrize(
    ("text", "mentions", "outcome", "path"),
    [
        (INHERITED % "", True, Outcome.ADMIT, DEFAULT),
        (INHERITED % "groupAllowFrom: ['*']", True, Outcome.ADMIT, DEFAULT),
        (INHERITED % "groups: { '*': {} }", True, Outcome.ADMIT, DEFAULT),
        (INHERITED % "groups: { '777': { requireMention: false } }", False, Outcome.ADMIT, DEFAULT),
        (INHERITED % "", False, Outcome.PEND, f"{GROUPS}['777'].requireMention"),
        (INHERITED % "groups: { '777': { allow: false } }", True, Outcome.DROP, f"{GROUPS}['777'].allow"),
        (INHERITED % "groupPolicy: 'open'", True, Outcome.ADMIT, "channels.zalouser.groupPolicy"),
        (INHERITED % "groupPolicy: 'disabled'", True, Outcome.DROP, "channels.zalouser.groupPolicy"),
        (
            INHERITED % "accounts: { a: { groupPolicy: 'open' } }",
            True,
            Outcome.ADMIT,
            "channels.zalouser.accounts.a.groupPolicy",
        ),
        (OWN % "allowFrom: ['*'], groups: { '777': {} }", True, Outcome.ADMIT, f"{GROUPS}['777']"),
        (
            OWN % "allowFrom: ['*'], groups: { 'group:777': {} }",
            True,
            Outcome.ADMIT,
            f"{GROUPS}['group:777']",
        ),
        (OWN % "allowFrom: ['*'], groups: { '*': {} }", True, Outcome.ADMIT, f"{GROUPS}['*']"),
        (
            OWN % "allowFrom: ['*'], groups: { '*': { requireMention: false } }",
            False,
            Outcome.ADMIT,
            f"{GROUPS}['*'].requireMention",
        ),
        (OWN % "groups: { '777': {} }", True, Outcome.DROP, "channels.zalouser.groupAllowFrom"),
        (OWN % "allowFrom: ['1'], groups: { '777': {} }", True, Outcome.DROP, "channels.zalouser.allowFrom"),
    ],
)
def test_the_rule_is_the_setting_that_opened_or_closed_the_door(
    reading: Reading, text: str, mentions: bool, outcome: Outcome, path: str
) -> None:
    decision = decide(message(WORK, LISTED, mentions), reading(text), Grants(ME), NOW)
    assert (decision.outcome, decision.rule.path) == (outcome, path)


def test_a_decision_keeps_the_setting_as_it_was_and_no_secret(reading: Reading) -> None:
    text = "{channels:{zalouser:{proxy:'http://me:hunter2@host', groupPolicy:'open', dmPolicy:'open'}}}"
    policy = reading(text)
    decision = decide(message(WORK, LISTED, True), policy, Grants(ME), NOW)
    assert decision.rule.text == "groupPolicy: 'open'"
    assert decision.revision == policy.revision
    assert len(decision.revision) == 16
    assert reading(text + "// a word").revision != policy.revision
