"""Which tools an agent may use, as lists of the config name them: `tools` of an agent, and of a group."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from clawlane.config.agents import AgentTools
from clawlane.config.settings import GroupTools

ALL_SERVERS = "bundle-mcp"
"""OpenClaw's word for the tools of all MCP servers."""

_ANYWHERE = ":anywhere"
_WILD = "*?["


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

LISTS = (Action.FRIENDS, Action.GROUPS, Action.MEMBERS)
"""The actions that tell of people who do not take part in the conversation."""


def channel_names(channel: str) -> Iterator[str]:
    """What lists call the tool of a channel: `zalouser`, `zalouser.send`, `zalouser.send:anywhere`, …"""
    yield from (channel, channel + _ANYWHERE)
    yield from (f"{channel}.{action}" for action in Action)
    yield from (f"{channel}.{action}{_ANYWHERE}" for action in WRITES)


def is_known(entry: str, channels: Collection[str], servers: Collection[str]) -> bool:
    """Whether an entry of a list names something: a channel's tool, or tools of MCP servers."""
    entry = entry.strip().lower()
    names = {name for channel in channels for name in channel_names(channel)}
    if entry == ALL_SERVERS or any(fnmatchcase(name, entry) for name in names):
        return True
    literal = entry[: min((entry.find(one) for one in _WILD if one in entry), default=len(entry))]
    for server in map(str.lower, servers):
        begins = f"{server}__"
        if entry == server or literal.startswith(begins) or (literal != entry and begins.startswith(literal)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class ToolPermissions:
    """What lists of tools come to: `deny` wins over `allow`. Make one with `of`.

    As in OpenClaw `*` stands for any characters, and case does not count. An entry with `:anywhere` also lets
    a tool write to other threads than the one it is used in; no other entry does, not even `*`.
    """

    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    also: ToolPermissions | None = None
    """Others that have to allow a tool, too."""

    @classmethod
    def of(cls, agent: AgentTools, group: GroupTools | None = None) -> ToolPermissions:
        """What an agent may use, or may use in a group.

        Without `allow` that is every tool, and no other thread. The `allow` of a group stands in for that of
        the agent, `alsoAllow` adds to either, and each `deny` holds.
        """
        group = group or GroupTools()
        # A list that is written and empty allows nothing, as everywhere in the config.
        written = [one.allow for one in (group, agent) if "allow" in one.model_fields_set]
        allow = (*(written[0] if written else ("*",)), *agent.also_allow, *group.also_allow)
        return cls(_folded(allow), _folded((*agent.deny, *group.deny)))

    def server_tool(self, name: str) -> bool:
        """Whether a tool of an MCP server may be used, such as `docs__search`."""
        name = name.lower()
        names = (name, name.partition("__")[0], ALL_SERVERS)
        found = _matches(self.allow, names) and not _matches(self.deny, names)
        return found and (self.also is None or self.also.server_tool(name))

    def server(self, name: str) -> bool:
        """Whether any tool of an MCP server may be used, as far as the lists tell."""
        name = name.lower()
        names, begins = (name, f"{name}__*", ALL_SERVERS), f"{name}__"
        allowed = _matches(self.allow, names) or any(one.startswith(begins) for one in self.allow)
        found = allowed and not _matches(self.deny, names)
        return found and (self.also is None or self.also.server(name))

    def action(self, channel: str, action: Action) -> bool:
        """Whether an action of a channel's tool may be used in its own thread."""
        names = (channel, f"{channel}.{action}")
        allow = (one.removesuffix(_ANYWHERE) for one in self.allow)
        found = _matches(allow, names) and not _matches(self.deny, names)
        return found and (self.also is None or self.also.action(channel, action))

    def anywhere(self, channel: str, action: Action) -> bool:
        """Whether an action of a channel's tool may reach other threads, too."""
        if action not in WRITES or not self.action(channel, action):
            return False
        names = (channel + _ANYWHERE, f"{channel}.{action}{_ANYWHERE}")
        wide = (one for one in self.allow if one.endswith(_ANYWHERE))
        found = _matches(wide, names) and not _matches(self.deny, names)
        return found and (self.also is None or self.also.anywhere(channel, action))

    def reaches_out(self, channel: str) -> bool:
        """Whether a channel's tool may write to other threads at all."""
        return any(self.anywhere(channel, action) for action in WRITES)


def _folded(entries: Collection[str]) -> tuple[str, ...]:
    return tuple(entry.strip().lower() for entry in entries)


def _matches(entries: Iterator[str] | Collection[str], names: Collection[str]) -> bool:
    return any(fnmatchcase(name, entry) for entry in entries for name in names)
