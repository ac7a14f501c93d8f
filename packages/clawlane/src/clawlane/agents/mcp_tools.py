"""The tools of MCP servers, for a model: named, framed as words of others, and run at most once.

A server is the operator's choice, but what it says comes from elsewhere: names, descriptions and results have
limits, and no line of them can pass for one of ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
)

from clawlane.access import context
from clawlane.agents.child import Program
from clawlane.agents.contract import Lane
from clawlane.agents.mcp_server import CallFailed, McpServer, RemoteTool
from clawlane.agents.mcp_transport import over_http, over_pipes
from clawlane.agents.model import ToolProblem, ToolSpec, ToolUse
from clawlane.config.errors import format_path
from clawlane.config.mcp import McpServer as Settings
from clawlane.config.secrets import Secret
from clawlane.messages import Outgoing
from clawlane.store import tool_calls
from clawlane.store.tool_calls import CallState

log = logging.getLogger(__name__)

MOST_TOOLS = 100
"""Tools of all servers together that a model is shown; providers take 128 with ours."""

LONGEST_DESCRIPTION = 2_000
"""Characters of what a server says about a tool."""

LONGEST_RESULT = 49_000
"""Characters of a result, framed: below what a model is shown of any result."""

_FIRST_TRY = 10.0
"""Seconds that turns right after the start wait for servers that were not tried yet."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_CUT = "\n(the rest is left out)"
_UNKNOWN = "nobody knows whether it was done"


def tool_name(server: str, tool: str) -> str:
    """The name of a tool for a model: `docs__search`.

    One that providers would not take is written with a part of its hash, so that it stays a name of its own.
    """
    whole = f"{server}__{tool}"
    if _NAME.fullmatch(whole):
        return whole
    digest = hashlib.sha256(tool.encode()).hexdigest()[:8]
    return f"{_NO_NAME.sub('_', whole)[:55]}_{digest}"


class McpServers:
    """All servers that agents use. They are connected while `running` is entered."""

    def __init__(self, servers: Mapping[str, McpServer]) -> None:
        self._servers = servers
        self._told = False

    async def tried(self) -> None:
        """Wait until each was connected or could not be, for ten seconds at most."""
        await _tried(self._servers.values())

    def problems(self) -> dict[str, str]:
        """Why the tools of a server are not there, by the server's name; empty if all are."""
        return {name: one.problem for name, one in self._servers.items() if one.problem}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected in the background as long as this is entered; nobody waits for them here."""
        # No task group: it would wrap what ends the gateway in an error of its own.
        tasks = [asyncio.create_task(one.run(), name=f"mcp {name}") for name, one in self._servers.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def for_turn(
        self, servers: Collection[str], lane: Lane, allowed: Callable[[str], bool]
    ) -> McpTools:
        """The tools of these servers that are there now, but for those that are not allowed."""
        wanted = [one for name, one in self._servers.items() if name in servers]
        await _tried(wanted)
        await asyncio.gather(*(server.refresh() for server in wanted))
        found: dict[str, tuple[McpServer, RemoteTool]] = {}
        for server in wanted:
            for tool in server.tools.values():
                name = tool_name(server.name, tool.name)
                if allowed(name):
                    found.setdefault(name, (server, tool))
        if len(found) > MOST_TOOLS and not self._told:
            self._told = True
            log.warning("mcp.servers: %d tools; a model is shown the first %d", len(found), MOST_TOOLS)
        begun = await lane.account_store.run(tool_calls.begun, lane.turn)
        return McpTools(lane, dict(list(found.items())[:MOST_TOOLS]), begun - found.keys())


async def _tried(servers: Iterable[McpServer]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_TRY):
            for server in servers:
                await server.tried.wait()


@dataclass(frozen=True, slots=True)
class McpTools:
    """The tools of one turn, by their names for the model."""

    lane: Lane
    tools: Mapping[str, tuple[McpServer, RemoteTool]]
    gone: frozenset[str] = frozenset()
    """Tools that were called in this turn before a crash, and are not there any more."""

    def specs(self) -> Sequence[ToolSpec]:
        """The tools, with what their servers say of them."""
        there = [
            ToolSpec(name, _description(server, tool), tool.parameters)
            for name, (server, tool) in self.tools.items()
        ]
        gone = (ToolSpec(name, "Not there at the moment.", {"type": "object"}) for name in sorted(self.gone))
        return [*there, *gone]

    async def plan(self, _use: ToolUse) -> tuple[Outgoing, ...]:
        """Nothing: a server sends nothing to the thread."""
        return ()

    async def call(self, use: ToolUse) -> str:
        """The result of a call. Raises `ToolProblem`.

        A tool that may change something is called once: if the gateway ended meanwhile, the model is told.
        """
        found = self.tools.get(use.name)
        if found is not None and found[1].read_only:
            return await _result(*found, use)
        store, lane = self.lane.account_store, self.lane
        place = (use.step, use.number)
        known = await store.run(tool_calls.begin, lane.turn, lane.run, *place, use.name)
        match known.state:
            case CallState.FINISHED:
                return known.result
            case CallState.INTERRUPTED:
                raise ToolProblem(f"this call was interrupted: {_UNKNOWN}, and it is not made again")
            case CallState.VOID:
                raise ToolProblem("this turn is over")
        try:
            if found is None:
                raise _Answered("the server of this tool is not connected")
            result = await _result(*found, use)
        except _Answered as problem:
            await store.run(tool_calls.finish, lane.turn, *place, f"error: {problem}")
            raise
        await store.run(tool_calls.finish, lane.turn, *place, result)
        return result


class _Answered(ToolProblem):
    """A problem of which it is known that the call is over."""


async def _result(server: McpServer, tool: RemoteTool, use: ToolUse) -> str:
    try:
        result = await server.call(tool.name, use.arguments)
    except CallFailed as failed:
        if failed.answered:
            raise _Answered(str(failed)) from None
        raise ToolProblem(str(failed) if tool.read_only else f"{failed}; {_UNKNOWN}") from None
    said = _framed(_shown(result))
    if result.is_error:
        raise _Answered(f"the tool reports a problem:\n{said}")
    return f"The tool gave back:\n{said}" if said else "The tool gave back nothing."


def _description(server: McpServer, tool: RemoteTool) -> str:
    said = _framed(tool.description[:LONGEST_DESCRIPTION])
    whose = f"A tool of the server {server.name}"
    return f"{whose}, which says of it:\n{said}" if said else f"{whose}."


def _framed(text: str) -> str:
    """Words of others, as the instructions explain them to the model."""
    framed = "\n".join(f"| {context.plain(line)}" for line in text[:LONGEST_RESULT].splitlines())
    cut = len(text) > LONGEST_RESULT or len(framed) > LONGEST_RESULT
    return framed[:LONGEST_RESULT] + _CUT if cut else framed


def _shown(result: CallToolResult) -> str:
    parts = [_content(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    return "\n".join(parts)


def _content(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return f"({block.type}, {block.mime_type}, about {len(block.data) * 3 // 4} bytes: not shown)"
        case ResourceLink():
            return f"(a resource, not shown: {context.quoted(block.name)}, {block.uri})"
        case EmbeddedResource():
            return f"(a resource, not shown: {block.resource.uri})"


def mcp_server(
    name: str,
    settings: Settings,
    read: Callable[[Secret, str], str],
    environ: Mapping[str, str],
    folder: Path,
) -> McpServer:
    """A server as the config says; nothing is started yet.

    `read` gives a key, and is told its place in the config. A program without a `cwd` works in `folder`.
    """
    place = format_path(("mcp", "servers", name))

    def keys(block: str, secrets: Mapping[str, Secret]) -> dict[str, str]:
        return {key: read(secret, f"{place}.{block}.{key}") for key, secret in secrets.items()}

    connect_s, request_s = settings.connection_timeout_ms / 1000, settings.request_timeout_ms / 1000
    if settings.url is not None:
        way = partial(over_http, settings.url, keys("headers", settings.headers), connect_s)
        return McpServer(name, place, lambda _gone: way(), settings.tool_filter, connect_s, request_s)
    assert settings.command is not None
    cwd = Path(settings.cwd).expanduser() if settings.cwd else folder
    argv = (settings.command, *settings.args)
    pipes = partial(over_pipes, Program(place, argv, cwd, keys("env", settings.env)), environ)
    return McpServer(name, place, pipes, settings.tool_filter, connect_s, request_s)
