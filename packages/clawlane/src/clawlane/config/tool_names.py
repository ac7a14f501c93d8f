"""Which tools an agent may use, as lists of the config name them: `tools` of an agent, and of a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from clawlane.config.agents import AgentTools
from clawlane.config.settings import GroupTools

ALL = "*"
ALL_SERVERS = "bundle-mcp"
"""OpenClaw's word for the tools of all MCP servers."""

ANYWHERE = ":anywhere"
"""Follows a name: the tool may also write to other threads than the one it is used in."""


class Action(StrEnum):
    """What the tool of a channel can do."""

    SEND = "send"
    IMAGE = "image"
    LINK = "link"
    REACT = "react"
    FRIENDS = "friends"
    GROUPS = "groups"
    MEMBERS = "members"
    ME = "me"
    STATUS = "status"


WRITES = (Action.SEND, Action.IMAGE, Action.LINK)
"""The actions that can reach another thread."""


def channel_names(channel: str) -> Iterator[str]:
    """Every name in lists for the tool of a channel: `zalouser`, `zalouser.send`, `zalouser.send:anywhere` …"""
    yield from (channel, channel + ANYWHERE)
    yield from (f"{channel}.{action}" for action in Action)
    yield from (f"{channel}.{action}{ANYWHERE}" for action in WRITES)


@dataclass(frozen=True, slots=True)
class ToolPermissions:
    """What lists of tools come to: `deny` wins over `allow`. Make one with `of`."""

    allow: tuple[str, ...] = (ALL,)
    deny: tuple[str, ...] = ()

    @classmethod
    def of(cls, agent: AgentTools, group: GroupTools | None = None) -> ToolPermissions:
        """What an agent may use, or may use in a group.

        Without `allow` it is every tool, but no other thread. The `allow` of a group stands in for that of
        the agent, `alsoAllow` adds to either, and each `deny` holds.
        """
        group = group or GroupTools()
        allow = group.allow or agent.allow or (ALL,)
        return cls((*allow, *agent.also_allow, *group.also_allow), (*agent.deny, *group.deny))

    def server_tool(self, server: str, name: str) -> bool:
        """Whether a tool of an MCP server may be used. `name` is the one that the model calls it by."""

        def names(entry: str) -> bool:
            return entry in (ALL, ALL_SERVERS, server) or fnmatchcase(name, entry)

        return any(map(names, self.allow)) and not any(map(names, self.deny))

    def action(self, channel: str, action: Action) -> bool:
        """Whether an action of a channel's tool may be used in its own thread."""
        named = (ALL, channel, f"{channel}.{action}")
        allowed = (*named, channel + ANYWHERE, f"{channel}.{action}{ANYWHERE}")
        return any(one in self.allow for one in allowed) and not any(one in self.deny for one in named)

    def anywhere(self, channel: str, action: Action) -> bool:
        """Whether an action of a channel's tool may reach other threads, too."""
        wide = (channel + ANYWHERE, f"{channel}.{action}{ANYWHERE}")
        allowed = action in WRITES and any(one in self.allow for one in wide)
        return allowed and not any(one in self.deny for one in wide) and self.action(channel, action)

    def reaches_out(self, channel: str) -> bool:
        """Whether a channel's tool may write to other threads at all."""
        return any(self.anywhere(channel, action) for action in WRITES)
