"""How far agents reach, and which of their addresses others can read on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawlane.channel import Manifest
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.ops.agent_reach import is_readable_on_the_way, reach_findings

ZALO = Manifest("zalouser", "Zalo Personal", ("zlu",), "clawlane_zalouser.settings:ZaloUserSettings", "x:X")


class Zalo:
    def manifests(self) -> tuple[Manifest, ...]:
        return (ZALO,)

    def broken(self) -> dict[str, Exception]:
        return {}

    def installable(self) -> dict[str, str]:
        return {}


def loaded(folder: Path, text: str) -> Config:
    paths = Paths(folder, folder / "config.json5")
    paths.config_file.write_text(text)
    return load(paths, Zalo(), {})


def found(
    folder: Path, agents: str, channel: str = "", more: str = ""
) -> list[tuple[str, str, tuple[str, ...]]]:
    text = f"{{ channels: {{ zalouser: {{ {channel} }} }}, agents: {{ {agents} }}, {more} }}"
    return [(one.code, one.path, one.accounts) for one in reach_findings(loaded(folder, text))]


MODEL = "defaults: { model: 'openai/x', tools: %s }"
LANE = ("zalouser/default",)


@pytest.mark.parametrize(
    ("tools", "groups", "path"),
    [
        ("{ alsoAllow: ['zalouser.send:anywhere'] }", "", "agents.defaults.tools"),
        ("{ alsoAllow: ['zalouser:anywhere'] }", "", "agents.defaults.tools"),
        (
            "{}",
            "groups: { '1': { tools: { alsoAllow: ['zalouser:anywhere'] } } }",
            "channels.zalouser.groups['1'].tools",
        ),
        ("{}", "", ""),
        ("{ allow: ['*'] }", "", ""),
    ],
)
def test_tools_that_reach_other_conversations_are_named(
    tmp_path: Path, tools: str, groups: str, path: str
) -> None:
    assert found(tmp_path, MODEL % tools, groups) == ([("tools_anywhere", path, LANE)] if path else [])


def test_an_agent_that_answers_nobody_on_an_account_reaches_nobody(tmp_path: Path) -> None:
    tools = "tools: { alsoAllow: ['zalouser:anywhere'] }"
    agents = f"list: [{{ id: 'a', default: true }}, {{ id: 'b', model: 'openai/x', {tools} }}]"
    assert found(tmp_path, agents) == []
    assert found(tmp_path, MODEL % "{ alsoAllow: ['zalouser:anywhere'] }", "enabled: false") == []


def test_servers_with_tools_are_named(tmp_path: Path) -> None:
    servers = "mcp: { servers: { docs: { command: 'x' }, off: { command: 'y', enabled: false } } }"
    assert found(tmp_path, MODEL % "{}", more=servers) == [("mcp_server", "mcp.servers.docs", LANE)]
    assert found(tmp_path, MODEL % "{ deny: ['docs'] }", more=servers) == []


def test_every_address_over_plain_http_is_named_once(tmp_path: Path) -> None:
    brain = "{ kind: 'endpoint', url: 'http://agent.lan:8080/v1', apiKey: '${KEY}' }"
    more = (
        "models: { providers: {"
        " p: { baseUrl: 'http://10.0.0.5/v1' }, q: { baseUrl: 'https://10.0.0.5/v1' } } },"
        " mcp: { servers: { far: { url: 'http://tools.lan/mcp' } } },"
        " tools: { media: { audio: { models: [{ url: 'http://speech.lan/v1', model: 'w' }] } } }"
    )
    assert found(tmp_path, f"defaults: {{ brain: {brain} }}", more=more) == [
        ("plain_http", "agents.defaults.brain.url", ()),
        ("plain_http", "models.providers.p.baseUrl", ()),
        ("plain_http", "mcp.servers.far.url", ()),
        ("plain_http", "tools.media.audio.models[0].url", ()),
    ]


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("http://127.0.0.1:8080/v1", False),
        ("http://127.9.9.9/", False),
        ("http://[::1]:80/", False),
        ("http://localhost/", False),
        ("http://agent.localhost/", False),
        ("https://agent.lan/", False),
        ("http://agent.lan/", True),
        ("http://192.168.1.2/", True),
        ("http://[::ffff:10.0.0.1]/", True),
        ("http://localhost.example.org/", True),
    ],
)
def test_plain_http_is_readable_except_on_this_machine(url: str, readable: bool) -> None:
    assert is_readable_on_the_way(url) is readable
