"""Which tools the agent may use, and where: what an edit of the config adds to that and takes away."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.test_ops_pause import Installed

from clawlane.access.comparison import compare
from clawlane.access.exposure import Exposure, Known
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.messages import Group, Person
from clawlane.ops.exposure import policies
from clawlane.ops.exposure_text import change_text

LANE = "zalouser/default"
KNOWN = Known(friends=(Person("11", "Lan"),), groups=(Group("900", "Work"), Group("901", "Family")))
SERVERS = "docs: { command: 'docs' }"
GROUPS = "'900': {}, '901': {}"
CONFIG = """{
  mcp: { servers: { %(servers)s } },
  agents: { list: [ { id: 'main', default: true, tools: { %(tools)s } }, { id: 'aide', tools: %(aide)s } ] },
  bindings: [%(bindings)s],
  channels: { zalouser: { dmPolicy: '%(dm)s', groupAllowFrom: ['*'], groups: { %(groups)s } } },
}"""
USUAL = {
    "servers": SERVERS,
    "tools": "",
    "aide": "{ allow: [] }",
    "bindings": "",
    "dm": "pairing",
    "groups": GROUPS,
}


def changed(folder: Path, before: dict[str, str], after: dict[str, str]) -> Exposure:
    paths = Paths(folder / "state", folder / "config.json5")
    was, now = (
        policies(load(paths, Installed(paths), {}))
        for one in (before, after)
        if paths.config_file.write_text(CONFIG % {**USUAL, **one})
    )
    return compare(was, now, {LANE: KNOWN})


ALL = (
    "in direct messages the agent may use {0}",
    "the agent may use {0} in 2 groups: Work (900), Family (901)",
)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {"groups": "'900': { tools: { allow: ['zalouser.react'] } }, '901': {}"},
            {"groups": "'900': { tools: { allow: ['zalouser.react', 'zalouser.send', 'docs'] } }, '901': {}"},
            ["in the group Work (900): the agent may use docs, zalouser.send"],
        ),
        (
            {"groups": "'900': { tools: { deny: ['docs__drop*'] } }, '901': {}"},
            {"groups": GROUPS},
            ["in the group Work (900): the agent may use docs__drop*"],
        ),
        (
            {"groups": "Family: { tools: { deny: ['docs'] } }"},
            {"groups": "Family: {}"},
            ["in the group Family (no id yet): the agent may use docs"],
        ),
        (
            {"groups": "'900': {}, '*': { tools: { allow: [] } }"},
            {"groups": "'900': {}, '*': {}"},
            [
                "in the group Family (901): the agent may use docs, zalouser",
                "in any other group: the agent may use docs, zalouser",
            ],
        ),
        ({}, {"tools": "alsoAllow: ['zalouser:anywhere']"}, [one.format("zalouser:anywhere") for one in ALL]),
        ({"tools": "deny: ['zalouser.members']"}, {}, [one.format("zalouser.members") for one in ALL]),
        ({"servers": ""}, {}, [one.format("docs") for one in ALL]),
        (
            {"tools": "allow: ['docs__[ab]x']"},
            {"tools": "allow: ['docs__[a-c]x']"},
            [one.format("docs__cx") for one in ALL],
        ),
        (
            {"tools": "allow: ['docs__get?']"},
            {"tools": "allow: ['docs__get*']"},
            [one.format("docs__get*") for one in ALL],
        ),
        (
            {
                "bindings": "{ agentId: 'aide', match: { channel: 'zalouser', "
                "peer: { kind: 'direct', id: '11' } } }"
            },
            {},
            ["in direct messages of Lan (11) the agent may use docs, zalouser"],
        ),
        (
            {"bindings": "{ agentId: 'aide', match: { channel: 'zalouser' } }", "dm": "disabled"},
            {"dm": "disabled"},
            [ALL[1].format("docs, zalouser")],
        ),
    ],
)
def test_more_tools_for_those_who_are_admitted_widen_and_the_way_back_narrows(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], told: list[str]
) -> None:
    there, back = changed(tmp_path, before, after), changed(tmp_path, after, before)
    assert [change_text(one) for one in there.widens] == told
    assert not there.narrows
    assert not back.widens
    assert [one.code for one in back.narrows] == ["tools_removed"] * len(told)
    assert not any(one.is_about_people for one in back.narrows)


def test_lists_that_come_to_the_same_change_nothing(tmp_path: Path) -> None:
    whole = {"tools": "allow: ['*', 'docs']"}
    assert not changed(tmp_path, {}, whole)
    assert not changed(tmp_path, {}, {"groups": "'900': { tools: { alsoAllow: ['docs__read'] } }, '901': {}"})


def test_a_group_that_nobody_reaches_has_no_tools_to_compare(tmp_path: Path) -> None:
    closed = "'900': { allow: false, tools: { allow: [] } }, '901': {}"
    assert not changed(tmp_path, {"groups": closed}, {"groups": closed.replace("allow: []", "")})
    opened = changed(tmp_path, {"groups": closed}, {"groups": GROUPS})
    assert [one.code for one in opened.widens] == ["group_reachable"]
