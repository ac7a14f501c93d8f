"""MCP servers in the config: their keys, and which agents have their tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clawlane.config.errors import ConfigError
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane_zalouser.manifest import MANIFEST

MODEL = "agents: { defaults: { model: 'openai/gpt' } }"


class Installed:
    def manifests(self) -> list[Any]:
        return [MANIFEST]

    def installable(self) -> dict[str, str]:
        return {}

    def broken(self) -> dict[str, Exception]:
        return {}


def loaded(folder: Path, servers: str, more: str = MODEL) -> Config:
    (folder / "config.json5").write_text(f"{{ mcp: {{ servers: {servers} }}, {more} }}")
    return load(Paths(folder, folder / "config.json5"), Installed(), {})


def problems(folder: Path, servers: str, more: str = MODEL) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        loaded(folder, servers, more)
    return [f"{one.path}: {one.message}" for one in raised.value.problems]


def warned(config: Config) -> list[str]:
    return [f"{one.path}: {one.message}" for one in config.warnings]


def test_a_block_as_openclaw_documents_it(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """{
          context7: { command: 'uvx', args: ['context7-mcp'], env: { LIBRARY: 'x' }, cwd: '/srv' },
          docs: {
            url: 'https://mcp.example.com/mcp', transport: 'streamable-http',
            headers: { Authorization: 'Bearer ${DOCS_TOKEN}' },
            connectionTimeoutMs: 5000, requestTimeoutMs: 20000,
            toolFilter: { include: ['search', 'read_*'], exclude: ['read_all'] },
          },
          off: { command: 'x', enabled: false },
        }""",
    )
    [agent] = config.agents
    servers = config.root.mcp.servers_for(agent.settings.tools, ())
    assert list(servers) == ["context7", "docs"]
    tools = ["search", "read_page", "read_all", "write"]
    assert [tool for tool in tools if servers["docs"].tool_filter.passes(tool)] == ["search", "read_page"]
    assert all(servers["context7"].tool_filter.passes(tool) for tool in tools)
    assert warned(config) == []


def test_keys_that_only_openclaw_has_are_named(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "{ docs: { url: 'https://a/mcp', auth: 'oauth', supportsParallelToolCalls: true } }"
    )
    assert [line.partition(": ")[0] for line in warned(config)] == [
        "mcp.servers.docs.auth",
        "mcp.servers.docs.supportsParallelToolCalls",
    ]


@pytest.mark.parametrize(
    ("servers", "problem"),
    [
        ("{ docs: {} }", "mcp.servers.docs: needs either `command`, for a program, or `url`"),
        ("{ docs: { command: 'x', url: 'https://a' } }", "mcp.servers.docs: needs either"),
        ("{ docs: { command: ['x'] } }", "mcp.servers.docs.command: must be a text in quotes"),
        ("{ docs: { command: '' } }", "mcp.servers.docs.command: "),
        ("{ docs: { command: 'x', headers: {} } }", "mcp.servers.docs: `headers` does not go with `command`"),
        ("{ docs: { url: 'https://a', env: {} } }", "mcp.servers.docs: `env` does not go with `url`"),
        ("{ docs: { url: 'ftp://a' } }", "mcp.servers.docs.url: must be a URL"),
        ("{ docs: { url: 'https://a:b@c' } }", "mcp.servers.docs.url: must not hold a password"),
        ("{ docs: { url: 'https://a', transport: 'sse' } }", "mcp.servers.docs.transport: 'streamable-http'"),
        ("{ docs: { url: 'https://a', transport: 'stdio' } }", "mcp.servers.docs: `transport` must be"),
        (
            "{ docs: { url: 'https://a', requestTimeoutMs: 0 } }",
            "mcp.servers.docs.requestTimeoutMs: must be 1",
        ),
        ("{ docs: { url: 'https://a', tools: [] } }", "mcp.servers.docs.tools: unknown key"),
        ("{ docs: { url: 'https://a', headers: { A: 1 } } }", "mcp.servers.docs.headers.A: is not a key"),
        ("{ a__b: { url: 'https://a' } }", "the name of a server has letters"),
        ("{ a_: { url: 'https://a' } }", "the name of a server has letters"),
        ("{ 'a b': { url: 'https://a' } }", "the name of a server has letters"),
        ("[]", "mcp.servers: must be an object"),
    ],
)
def test_what_cannot_be_right_is_one_line(tmp_path: Path, servers: str, problem: str) -> None:
    [line] = problems(tmp_path, servers)
    assert problem in line
    assert len(line.splitlines()) == 1


def test_keys_in_the_file_are_warned_of_and_plain_variables_are_not(tmp_path: Path) -> None:
    servers = """{ a: { command: 'x', env: { API_BASE: 'http://b', API_KEY: 's3cret', OTHER_KEY: '${K}' } },
                   b: { url: 'https://b', headers: { Authorization: 'Bearer s3cret', Accept: 'x' } } }"""
    lines = warned(loaded(tmp_path, servers))
    assert [line.partition(": ")[0] for line in lines] == [
        "mcp.servers.a.env.API_KEY",
        "mcp.servers.b.headers.Authorization",
    ]
    assert "s3cret" not in "".join(lines)


@pytest.mark.parametrize(
    "agents",
    [
        "agents: { defaults: { brain: { kind: 'echo' } } }",
        "agents: { defaults: { model: 'openai/gpt', tools: { deny: ['docs__*'] } } }",
        "agents: { defaults: { model: 'openai/gpt', tools: { deny: ['bundle-mcp'] } } }",
    ],
)
def test_a_server_that_no_agent_uses_is_a_warning(tmp_path: Path, agents: str) -> None:
    config = loaded(tmp_path, "{ docs: { command: 'x' } }", agents)
    assert "mcp.servers.docs: no agent uses this server, so it is not started" in warned(config)


OPEN = "channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'] } }"


def test_strangers_do_not_reach_an_agent_with_servers(tmp_path: Path) -> None:
    [line] = problems(tmp_path, "{ docs: { command: 'x' } }", f"{MODEL}, {OPEN}")
    assert line == (
        "agents.defaults.model: this agent uses the tools of mcp.servers.docs, and "
        "channels.zalouser.dmPolicy, line 1: 'open' lets strangers reach it"
    )


@pytest.mark.parametrize(
    ("agent", "servers"),
    [
        ("allowStrangers: true", "{ docs: { command: 'x' } }"),
        ("tools: { deny: ['docs__*'] }", "{ docs: { command: 'x' } }"),
        ("tools: {}", "{ docs: { command: 'x', enabled: false } }"),
    ],
)
def test_unless_it_says_so_or_does_not_use_them(tmp_path: Path, agent: str, servers: str) -> None:
    agents = f"agents: {{ defaults: {{ model: 'openai/gpt', {agent} }} }}"
    loaded(tmp_path, servers, f"{agents}, {OPEN}")
