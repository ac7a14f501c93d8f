"""How far agents reach: other conversations, servers with tools, and what leaves this machine readable."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clawlane.config.errors import KeyPath, format_path
from clawlane.ops.findings import Finding, Severity

if TYPE_CHECKING:
    from clawlane.channel import Account
    from clawlane.config.load import Config
    from clawlane.config.routing import AgentSettings


def reach_findings(config: Config) -> Iterator[Finding]:
    """All that the agents of a config can do beyond answering where they are asked."""
    from clawlane.config.agents import ModelBrain

    accounts = [one for block in config.channels.values() for one in block.accounts if one.enabled]
    for agent in config.agents:
        answered = [one for one in accounts if config.routing.answers(agent.id, one.channel, one.id)]
        if isinstance(agent.brain, ModelBrain):
            yield from _anywhere(config, agent, answered)
            yield from _servers(config, agent, answered)
    for path, url in _addresses(config):
        if is_readable_on_the_way(url):
            yield _finding(config, Severity.WARNING, "plain_http", path, host=urlsplit(url).hostname or "")


def _anywhere(config: Config, agent: AgentSettings, accounts: Sequence[Account]) -> Iterator[Finding]:
    """Tools that write to other conversations than the one the agent answers in."""
    from clawlane.config.senders import GROUPS, list_path
    from clawlane.config.tool_names import ToolPermissions

    tools = agent.settings.tools
    for account in accounts:
        if ToolPermissions.of(tools).reaches_out(account.channel):
            path: KeyPath = (*agent.owner, "tools")
            yield _finding(config, Severity.WARNING, "tools_anywhere", path, account, agent=agent.id)
            continue
        for key, entry in (account.settings.groups or {}).items():
            if ToolPermissions.of(tools, entry.tools).reaches_out(account.channel):
                path = (*list_path(config.source, account, GROUPS), key, "tools")
                yield _finding(config, Severity.WARNING, "tools_anywhere", path, account, agent=agent.id)


def _servers(config: Config, agent: AgentSettings, accounts: Sequence[Account]) -> Iterator[Finding]:
    """MCP servers: what their tools can do, nobody here knows."""
    for account in accounts:
        for name in config.root.mcp.servers_for(agent.settings.tools, [account]):
            path = ("mcp", "servers", name)
            yield _finding(config, Severity.NOTE, "mcp_server", path, account, agent=agent.id, server=name)


def _addresses(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Where the texts of people, and the keys of models, are sent to."""
    from clawlane.config.agents import EndpointBrain

    for agent in config.agents:
        if isinstance(agent.brain, EndpointBrain):
            yield (*agent.path, "url"), agent.brain.url
    for name, provider in config.root.models.providers.items():
        if provider.base_url:
            yield ("models", "providers", name, "baseUrl"), provider.base_url
    for name, server in config.root.mcp.servers.items():
        if server.enabled and server.url:
            yield ("mcp", "servers", name, "url"), server.url
    for number, one in config.root.tools.media.audio.chosen:
        if one.url:
            yield ("tools", "media", "audio", "models", number, "url"), one.url


def is_readable_on_the_way(url: str) -> bool:
    """Whether an address is plain http to another machine: everybody on the way reads texts and keys."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _finding(
    config: Config, severity: Severity, code: str, path: KeyPath, account: Account | None = None, **data: str
) -> Finding:
    position = config.source.position(path)
    line = position.line if position else None
    accounts = (str(account),) if account is not None else ()
    return Finding(severity, code, format_path(path), data, line, accounts)
