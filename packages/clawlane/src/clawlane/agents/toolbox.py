"""The tools of a turn from several sources, as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from clawlane.agents.channel_tool import ChannelTool
from clawlane.agents.contract import Lane, TurnInput
from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.model import ToolProblem, Tools, ToolSpec, ToolUse
from clawlane.config.agents import AgentTools
from clawlane.config.routing import AgentSettings
from clawlane.config.tool_names import ToolPermissions
from clawlane.messages import Outgoing, ThreadKind

TurnServers: TypeAlias = Callable[[Lane, Callable[[str], bool]], Awaitable[Tools]]
"""Gives the tools of MCP servers for a turn, but for those that are not allowed."""


class Toolbox:
    """All tools of its parts. Two of one name are refused, for nobody knows which of them is meant."""

    def __init__(self, parts: Sequence[Tools]) -> None:
        self._parts = parts

    def specs(self) -> Sequence[ToolSpec]:
        """Raises `AgentMisconfigured` for a name that two tools have."""
        specs = [spec for spec, _ in self._all()]
        names = [spec.name for spec in specs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise AgentMisconfigured(f"two tools are called '{twice}'; `tools.deny` can take one away")
        return specs

    async def plan(self, use: ToolUse) -> tuple[Outgoing, ...]:
        part = self._part(use.name)
        return await part.plan(use) if part else ()

    async def call(self, use: ToolUse) -> str:
        part = self._part(use.name)
        if part is None:
            raise ToolProblem(f"there is no tool '{use.name[:80]}'")
        return await part.call(use)

    def _part(self, name: str) -> Tools | None:
        return next((part for spec, part in self._all() if spec.name == name), None)

    def _all(self) -> Iterator[tuple[ToolSpec, Tools]]:
        return ((spec, part) for part in self._parts for spec in part.specs())


def permissions_in(turn: TurnInput, tools: AgentTools) -> ToolPermissions:
    """What an agent may use in a turn: in a group its entry of `groups` counts, too."""
    lane, thread = turn.lane, turn.thread
    if lane is None or thread.kind is not ThreadKind.GROUP:
        return ToolPermissions.of(tools)
    rule = lane.policy.group_table.find(thread.id, lane.grants().pins)
    groups = lane.account.settings.groups or {}
    return ToolPermissions.of(tools, groups[rule.key].tools if rule and rule.key in groups else None)


async def toolbox_of(turn: TurnInput, agent: AgentSettings, servers: TurnServers | None = None) -> Toolbox:
    """The tools of a turn: that of its channel, and those of MCP servers; none without a lane."""
    if turn.lane is None:
        return Toolbox(())
    permissions = permissions_in(turn, agent.settings.tools)
    author = agent.settings.identity.name or agent.name
    parts: list[Tools] = [ChannelTool(turn, turn.lane, permissions, author)]
    if servers is not None:
        parts.append(await servers(turn.lane, permissions.server_tool))
    return Toolbox(parts)
