"""The tools that an agent of kind `model` has in a turn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clawlane.agents.contract import TurnInput
from clawlane.agents.model import Tools
from clawlane.agents.toolbox import Toolbox
from clawlane.config.routing import AgentSettings
from clawlane.config.tool_names import ToolPermissions

if TYPE_CHECKING:
    from clawlane.agents.mcp_tools import McpServers


@dataclass(frozen=True, slots=True)
class TurnTools:
    """Makes them anew for each turn: what may be used, and what is there, changes from turn to turn.

    `servers` are the names of the MCP servers that the agent may use.
    """

    agent: AgentSettings
    mcp: McpServers | None
    servers: Collection[str]

    async def of(self, turn: TurnInput) -> Tools:
        """The tools of a turn. One that was asked from a terminal has none."""
        if turn.lane is None:
            return Toolbox(())
        parts: list[Tools] = []
        permissions = ToolPermissions.of(self.agent.settings.tools)
        if self.mcp is not None:
            allowed = lambda name: permissions.server_tool(name.partition("__")[0], name)  # noqa: E731
            parts.append(await self.mcp.for_turn(turn.lane, self.servers, allowed))
        return Toolbox(parts)
