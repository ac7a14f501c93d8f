"""Who may speak in which group: each row of the table, and its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from clawlane.access.in_force import Rules
from clawlane.access.names import ConfigName, NameList, Pin, Pins
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.access.rules import decide
from clawlane.access.speakers import Who, speakers, speakers_in_force
from clawlane.channel import Manifest
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.messages import Inbound, Mention, Thread, ThreadKind
from clawlane.ops.policy_status import policy_status
from clawlane.ops.speakers import speakers_text, who_may_speak

ZALO = Manifest("zalouser", "Zalo Personal", ("zlu",), "clawlane_zalouser.settings:ZaloUserSettings", "x:X")
ME, LAN, HUNG, STRANGER = "100", "21", "22", "999"
WORK, FAMILY = "9001", "9002"
PINS = Pins.of(
    [
        Pin(ConfigName(NameList.GROUPS, "Work Chat"), (WORK,)),
        Pin(ConfigName(NameList.GROUP_ALLOW_FROM, "Lan"), (LAN,)),
        Pin(ConfigName(NameList.GROUP_SENDERS, "Lan", "Work Chat"), (LAN,)),
    ]
)
Loading = Callable[[str], Config]


class Zalo:
    def manifests(self) -> tuple[Manifest, ...]:
        return (ZALO,)

    def broken(self) -> dict[str, Exception]:
        return {}

    def installable(self) -> dict[str, str]:
        return {}


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    def read(text: str) -> Config:
        paths = Paths(tmp_path, tmp_path / "config.json5")
        paths.config_file.write_text(f"{{ channels: {{ zalouser: {{ {text} }} }} }}", encoding="utf-8")
        return load(paths, Zalo(), {})

    return read


TABLE = [
    ("groupPolicy: 'disabled', groups: { '*': {} }", ["any group: nobody: groupPolicy is 'disabled'"]),
    ("groupPolicy: 'open'", ["any group: anyone, when mentioned"]),
    ("groupPolicy: 'open', groupAllowFrom: []", ["any group: nobody: groupAllowFrom is []"]),
    ("groupPolicy: 'open', groupAllowFrom: ['21']", ["any group: 1 person (21), when mentioned"]),
    (
        "groupPolicy: 'open', groups: { '9001': { requireMention: false } }",
        ["group 9001: anyone, without a mention", "any other group: anyone, when mentioned"],
    ),
    ("groupPolicy: 'open', groups: { '*': { allow: false } }", ["any group: nobody: groups['*'] is closed"]),
    ("groupPolicy: 'allowlist'", ["any group: nobody: no group is listed in groups"]),
    (
        "groups: { '9001': {} }",
        ["group 9001: nobody: groupAllowFrom and allowFrom name nobody"],
    ),
    ("groups: { '9001': {} }, allowFrom: ['21', '22']", ["group 9001: 2 people (21, 22), when mentioned"]),
    (
        "groups: { '9001': {}, 'group:9002': { allowFrom: [] } }, groupAllowFrom: ['*']",
        ["group 9001: anyone, when mentioned", "group 9002: nobody: its allowFrom is []"],
    ),
    (
        "groups: { '*': { allowFrom: ['21'] }, '9001': { enabled: false } }, groupAllowFrom: ['*']",
        ["any group: 1 person (21), when mentioned"],
    ),
    (
        "groups: { 'Work Chat': { allowFrom: ['Lan', 'Nobody'] } }",
        ["Work Chat (9001): 1 person (21), when mentioned, but not 'Nobody', pinned to nobody"],
    ),
    (
        "groups: { 'Work Chat': { allowFrom: ['Nobody'] } }",
        ["Work Chat (9001): nobody: its allowFrom lists only names that are pinned to nobody ('Nobody')"],
    ),
    (
        "groups: { 'Elsewhere': {}, '9001': { allow: false } }, groupAllowFrom: ['*']",
        ["any group: nobody: no entry of groups lets a known group in"],
    ),
    (
        "groups: { 'Elsewhere': { allow: false }, '*': {}, '9001': {} }, groupAllowFrom: ['*']",
        [
            "group 9001: anyone, when mentioned",
            "any other group: nobody: an entry of groups shuts out a group that nobody knows by its name",
        ],
    ),
    (
        "groups: { '9001': {}, 'Work Chat': { allowFrom: ['*'] } }, groupAllowFrom: ['1', '2', '3', '4']",
        ["group 9001: 4 people (1, 2, 3, …), when mentioned"],
    ),
]


@pytest.mark.parametrize(("text", "told"), TABLE)
def test_who_may_speak_in_words(loading: Loading, text: str, told: list[str]) -> None:
    config = loading(text)
    account = config.channels["zalouser"].accounts[0]
    assert [
        speakers_text(one) for one in who_may_speak(account, Rules.of(config, account), PINS, None)
    ] == told


@pytest.mark.parametrize("text", [text for text, _ in TABLE])
@pytest.mark.parametrize("group", [WORK, FAMILY, "7"])
def test_what_is_told_is_what_is_decided(loading: Loading, text: str, group: str) -> None:
    config = loading(text)
    policy = AccessPolicy.of(config, config.channels["zalouser"].accounts[0])
    told = {one.group: one for one in speakers(policy, PINS)}
    entry = policy.group_table.find(group, PINS)
    shut_out = entry is not None and entry.denies
    one = told.get(group) or (None if shut_out else told.get(""))
    for sender in (LAN, HUNG, STRANGER):
        inbound = Inbound(
            "default", "m", Thread(ThreadKind.GROUP, group), sender, "", "@Bot", 1, (Mention(ME, 0, 4),)
        )
        admitted = decide(inbound, policy, Grants(ME, pins=PINS), 1).admitted
        may = one is not None and (one.who is Who.ANYONE or sender in one.people)
        assert admitted is may, (sender, one)


@pytest.mark.parametrize("before", [text for text, _ in TABLE])
@pytest.mark.parametrize("edited", [text for text, _ in TABLE])
def test_while_an_edit_waits_what_is_told_is_what_both_let_in(
    loading: Loading, before: str, edited: str
) -> None:
    policies = []
    for text in (before, edited):
        config = loading(text)
        account = config.channels["zalouser"].accounts[0]
        policies.append(AccessPolicy.of(config, account))
    rules = Rules(*policies)
    told = {one.group: one for one in speakers_in_force(rules, PINS)}
    assert all(map(speakers_text, who_may_speak(account, rules, PINS, None)))
    for group in (WORK, FAMILY, "7"):
        entries = [one.group_table.find(group, PINS) for one in policies]
        own = any(
            entry is not None and entry is not one.group_table.any
            for entry, one in zip(entries, policies, strict=True)
        )
        one = told.get(group) or (None if own else told.get(""))
        for sender in (LAN, HUNG, STRANGER):
            thread = Thread(ThreadKind.GROUP, group)
            inbound = Inbound("default", "m", thread, sender, "", "@Bot", 1, (Mention(ME, 0, 4),))
            admitted = rules.decide(inbound, Grants(ME, pins=PINS), 1)[0].admitted
            may = one is not None and (one.who is Who.ANYONE or sender in one.people)
            assert admitted is may, (group, sender, one)


def test_names_stand_beside_ids_and_the_place_of_the_list_is_kept(loading: Loading) -> None:
    class Book:
        def names_of(self, account: str, ids: Collection[str]) -> dict[str, str]:
            assert account == "zalouser/default"
            return {id: name for id, name in {LAN: "Đặng Lan", WORK: "Work"}.items() if id in ids}

    config = loading("groups: { '9001': {} },\n groupAllowFrom: ['21', '22']")
    account = config.channels["zalouser"].accounts[0]
    [one] = who_may_speak(account, Rules.of(config, account), PINS, Book())
    assert speakers_text(one) == "Work (9001): 2 people (Đặng Lan, 22), when mentioned"
    assert (one.path, one.line, one.count) == ("channels.zalouser.groupAllowFrom", 2, 2)


def test_a_list_of_thousands_is_counted_and_not_told(loading: Loading) -> None:
    people = json.dumps([str(10**17 + number) for number in range(3000)])
    config = loading(f"groupAllowFrom: {people}, groups: {{ '9001': {{}}, '9002': {{}} }}")
    account = config.channels["zalouser"].accounts[0]
    found = who_may_speak(account, Rules.of(config, account), PINS, None)
    assert [(one.count, len(one.people)) for one in found] == [(3000, 3), (3000, 3)]


def test_while_an_edit_waits_the_stricter_policy_is_told(loading: Loading) -> None:
    configs = [
        loading("dmPolicy: 'open', groupPolicy: 'disabled'"),
        loading("groupPolicy: 'open',\n dmPolicy: 'allowlist'"),
    ]
    accounts = [one.channels["zalouser"].accounts[0] for one in configs]
    applied, edited = (AccessPolicy.of(*one) for one in zip(configs, accounts, strict=True))
    found = [
        policy_status(configs[0], accounts[0], key, Rules(applied, edited))
        for key in ("dmPolicy", "groupPolicy")
    ]
    assert [one.value for one in found] == ["allowlist", "disabled"]
    assert found[0].line == 2
    assert found == [
        policy_status(config, account, key)
        for config, account, key in zip(
            configs[::-1], accounts[::-1], ("dmPolicy", "groupPolicy"), strict=True
        )
    ]
