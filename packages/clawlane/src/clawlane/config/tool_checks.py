"""What is wrong with lists of tools: names of tools that do not exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from clawlane.channel import Account
from clawlane.config import openclaw
from clawlane.config.agent_checks import Found
from clawlane.config.agents import Agents, AgentTools
from clawlane.config.errors import KeyPath, did_you_mean
from clawlane.config.origin import account_path
from clawlane.config.settings import GroupTools
from clawlane.config.source import Source
from clawlane.config.tool_names import channel_names, is_known


@dataclass(frozen=True, slots=True)
class ToolLists:
    """All lists of tools in a config, and what their names may mean: channels and MCP servers."""

    agents: Agents
    accounts: Sequence[Account]
    channels: Collection[str]
    servers: Collection[str]
    source: Source

    def problems(self) -> Iterator[Found]:
        """Names of tools that neither clawlane nor OpenClaw has."""
        known = [name for channel in self.channels for name in channel_names(channel)] + [*self.servers]
        for path, entry in self._unknown():
            if not openclaw.is_tool(entry):
                hint = did_you_mean(entry, known) or f"known: {', '.join((*self.channels, *self.servers))}"
                yield Found(path, f"there is no tool '{entry[:80]}'", hint)

    def warnings(self) -> Iterator[Found]:
        """Names of tools that only OpenClaw has."""
        for path, entry in self._unknown():
            if openclaw.is_tool(entry):
                yield Found(path, f"OpenClaw has the tool '{entry}', clawlane does not")

    def _unknown(self) -> Iterator[tuple[KeyPath, str]]:
        for path, tools in self._blocks():
            for name in ("allow", "also_allow", "deny"):
                key = type(tools).model_fields[name].alias or name
                for number, entry in enumerate(getattr(tools, name)):
                    if not is_known(entry, self.channels, self.servers):
                        yield (*path, key, number), entry

    def _blocks(self) -> Iterator[tuple[KeyPath, AgentTools | GroupTools]]:
        """Every block with lists of tools, once, and where it is written."""
        yield ("agents", "defaults", "tools"), self.agents.defaults.tools
        for number, entry in enumerate(self.agents.list):
            yield ("agents", "list", number, "tools"), entry.tools
        written: dict[KeyPath, GroupTools] = {}
        for account in self.accounts:
            own: KeyPath = (*account_path(self.source, account), "groups")
            groups = own if own in self.source.values else ("channels", account.channel, "groups")
            for key, group in (account.settings.groups or {}).items():
                written[(*groups, key, "tools")] = group.tools
        yield from written.items()
