"""The tools that an agent of kind `model` has in a turn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clawlane.agents.channel_tool import ChannelTool
from clawlane.agents.contract import Lane, TurnInput
from clawlane.agents.model import Tools
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.toolbox import Toolbox
from clawlane.config.agents import AgentTools
from clawlane.config.routing import AgentSettings
from clawlane.config.tool_names import ToolPermissions
from clawlane.messages import Thread, ThreadKind

if TYPE_CHECKING:
    from clawlane.access.policy import AccessPolicy
    from clawlane.agents.mcp_tools import McpServers


@dataclass(frozen=True, slots=True)
class TurnTools:
    """Makes them anew for each turn: what may be used, and what is there, changes from turn to turn.

    `servers` are the names of the MCP servers that the agent may use, `folder` is its own, from which its
    tool may send files. Without `media` it sends none.
    """

    agent: AgentSettings
    mcp: McpServers | None
    servers: Collection[str]
    media: OutboundMedia | None = None
    folder: Path = Path()

    async def of(self, turn: TurnInput) -> Tools:
        """The tools of a turn. One that was asked from a terminal has none."""
        lane = turn.lane
        if lane is None:
            return Toolbox(())
        settings = self.agent.settings
        permissions = permissions_in(turn.thread, lane, settings.tools)
        author = settings.identity.name or self.agent.name
        fetch = settings.fetch_urls
        parts: list[Tools] = [
            ChannelTool(turn, lane, permissions, author, self.media, self.folder, fetch, settings.share.names)
        ]
        if self.mcp is not None:
            parts.append(await self.mcp.for_turn(self.servers, lane, permissions.server_tool))
        return Toolbox(parts)


def permissions_in(thread: Thread, lane: Lane, tools: AgentTools) -> ToolPermissions:
    """What an agent may use in a thread: in a group its entry of `groups` counts, too.

    While an edit waits, it has to allow it as well.
    """

    def key_by(policy: AccessPolicy) -> str | None:
        entry = policy.group_table.find(thread.id, lane.grants().pins)
        return entry.key if entry is not None and thread.kind is ThreadKind.GROUP else None

    groups, key = lane.account.settings.groups or {}, key_by(lane.policy)
    found = ToolPermissions.of(tools, groups[key].tools if key in groups else None)
    if lane.edited is None or lane.edited.tools is None:
        return found
    return replace(found, also=lane.edited.tools.permissions(thread, key_by(lane.edited)))
