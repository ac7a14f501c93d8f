"""MCP servers whose tools agents of kind `model` may use: `mcp`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, model_validator

from clawlane.channel import Account
from clawlane.config import openclaw
from clawlane.config.agents import AgentTools, HttpUrl, Lenient
from clawlane.config.errors import KeyPath
from clawlane.config.fields import Block, Limit, Maybe
from clawlane.config.secrets import SecretField
from clawlane.config.tool_names import ToolPermissions

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*")
_LONGEST_NAME = 32


def _check_name(name: str) -> str:
    # No double underscore and none at an end: a tool's name, `docs__search`, then says whose it is.
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"the name of a server has letters, digits, '-' and single '_', at most {_LONGEST_NAME}: "
            "it begins the names of its tools"
        )
    return name


def _check_transport(value: object) -> object:
    if value in ("sse", "http"):
        raise ValueError("'streamable-http' is the only way over HTTP; write that, if the server has it")
    if value not in ("stdio", "streamable-http"):
        raise ValueError("must be 'stdio' or 'streamable-http'")
    return value


class ToolFilter(Block):
    """Which tools of a server there are: `*` stands for any characters, and `exclude` wins."""

    include: tuple[StrictStr, ...] = ()
    exclude: tuple[StrictStr, ...] = ()

    def passes(self, tool: str) -> bool:
        """Whether a tool is among them, by the name that its server gives it."""
        included = not self.include or any(fnmatchcase(tool, one) for one in self.include)
        return included and not any(fnmatchcase(tool, one) for one in self.exclude)


class McpServer(Lenient):
    """One server: a program on this machine (`command`), or an address (`url`).

    `env` adds variables to PATH, HOME and LANG. The times are milliseconds: until it has to be connected, and
    for one request.
    """

    lacking = openclaw.MCP_SERVER_KEYS

    enabled: StrictBool = True
    command: Maybe[Annotated[StrictStr, Field(min_length=1)]] = None
    args: tuple[StrictStr, ...] = ()
    env: dict[str, SecretField] = Field(default_factory=dict)
    cwd: StrictStr = ""
    url: Maybe[HttpUrl] = None
    headers: dict[str, SecretField] = Field(default_factory=dict)
    transport: Maybe[Annotated[StrictStr, BeforeValidator(_check_transport)]] = None
    tool_filter: ToolFilter = ToolFilter()
    connection_timeout_ms: Limit = 30_000
    request_timeout_ms: Limit = 60_000

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("needs either `command`, for a program, or `url`")
        other = ("headers",) if self.url is None else ("args", "env", "cwd")
        for key in sorted(self.model_fields_set.intersection(other)):
            raise ValueError(f"`{key}` does not go with `{'command' if self.url is None else 'url'}`")
        expected = "stdio" if self.url is None else "streamable-http"
        if self.transport not in (None, expected):
            raise ValueError(f"`transport` must be '{expected}' here")
        return self


class Mcp(Lenient):
    """The servers, by name."""

    lacking = openclaw.MCP_KEYS

    servers: dict[Annotated[str, AfterValidator(_check_name)], McpServer] = Field(default_factory=dict)

    def servers_for(self, tools: AgentTools, accounts: Iterable[Account]) -> dict[str, McpServer]:
        """The servers that are not switched off and of which an agent may use a tool, if only in a group."""
        groups = (one.tools for account in accounts for one in (account.settings.groups or {}).values())
        permissions = [ToolPermissions.of(tools, group) for group in (None, *groups)]
        return {
            name: server
            for name, server in self.servers.items()
            if server.enabled and any(one.server(name) for one in permissions)
        }


def lacking_keys(root: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys below `mcp` that only OpenClaw knows: they are dropped, and the operator hears of it."""
    block = root.get("mcp")
    if not isinstance(block, Mapping):
        return
    yield from (("mcp", key) for key in block if key in Mcp.lacking)
    servers = block.get("servers")
    for name, server in (servers if isinstance(servers, Mapping) else {}).items():
        if isinstance(server, Mapping):
            yield from (("mcp", "servers", name, key) for key in server if key in McpServer.lacking)
