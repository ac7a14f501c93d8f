"""Which tools may be used in which conversation of an account: by its agent, and in its group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice, product
from string import ascii_lowercase, digits

from clawlane.channel import Account
from clawlane.config.agents import AcpBrain, AgentTools
from clawlane.config.load import Config
from clawlane.config.routing import Bindings
from clawlane.config.settings import GroupTools
from clawlane.config.tool_names import WRITES, Action, ToolPermissions
from clawlane.messages import Thread, ThreadKind

_ANY = "·"
"""Stands for a character of a tool's name that no list writes out."""

_IN_BRACKETS = f"{ascii_lowercase}{digits}_-"
_MOST_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class ThreadTools:
    """The lists of tools of one config, for one account. Make one with `of`."""

    account: str
    channel: str
    routing: Bindings
    agents: Mapping[str, AgentTools]
    kinds: Mapping[str, tuple[str, ...]]
    """The kinds of tools of its own that an agent may use without being refused, by its id."""
    groups: Mapping[str, GroupTools]
    servers: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, config: Config, account: Account) -> ThreadTools:
        servers = config.root.mcp.servers.items()
        return cls(
            str(account),
            account.channel,
            config.routing,
            {one.id: one.settings.tools for one in config.agents},
            {one.id: one.brain.allow for one in config.agents if isinstance(one.brain, AcpBrain)},
            {key: entry.tools for key, entry in (account.settings.groups or {}).items()},
            frozenset(name.lower() for name, server in servers if server.enabled),
        )

    def permissions(self, thread: Thread, key: str | None) -> ToolPermissions:
        """What may be used in a thread; in a group, `key` is the entry of `groups` that counts."""
        agent = self.agents.get(self.routing.agent_of(self.account, thread), AgentTools())
        group = self.groups.get(key) if key is not None and thread.kind is ThreadKind.GROUP else None
        return ToolPermissions.of(agent, group)

    def usable(self, thread: Thread, key: str | None, names: Iterable[str]) -> frozenset[str]:
        """Which tools may be used in a thread: all of the channel, and of these `names` those of servers."""
        found = self.permissions(thread, key)
        own = {f"{self.channel}.{one}" for one in Action if found.action(self.channel, one)}
        wide = {f"{self.channel}.{one}:anywhere" for one in WRITES if found.anywhere(self.channel, one)}
        served = {one for one in names if one.partition("__")[0] in self.servers and found.server_tool(one)}
        kinds = self.kinds.get(self.routing.agent_of(self.account, thread), ())
        return frozenset((*own, *wide, *served, *kinds))

    def entries(self) -> frozenset[str]:
        """Every entry of every list."""
        lists: list[AgentTools | GroupTools] = [*self.agents.values(), *self.groups.values()]
        found = (entry for one in lists for entry in (*one.allow, *one.also_allow, *one.deny))
        return frozenset(entry.strip().lower() for entry in found)


def sample_names(servers: Iterable[str], entries: Iterable[str]) -> frozenset[str]:
    """Names of tools of these servers that tell lists apart: one that none names, and some for each entry.

    What a server offers is known only once it runs.
    """
    servers = tuple(servers)
    found = {f"{server}__{_ANY}" for server in servers}
    for entry in entries:
        head, sep, tail = entry.partition("__")
        for server in servers:
            if not sep or fnmatchcase(server, head):
                found.update(f"{server}__{one}" for one in _samples(tail if sep else entry))
    return frozenset(found)


def shown_names(tools: frozenset[str], channel: str) -> list[str]:
    """Names of tools as an operator would write them: `docs` for all of a server, `docs__read*` for some."""
    found = set(tools)
    for all_of, name in ((Action, channel), (WRITES, f"{channel}:anywhere")):
        end = ":anywhere" if name.endswith(":anywhere") else ""
        each = {f"{channel}.{one}{end}" for one in all_of}
        if each <= found:
            found = (found - each) | {name}
    whole = {one.removesuffix(f"__{_ANY}") for one in found if one.endswith(f"__{_ANY}")}
    rest = {one for one in found if one.partition("__")[0] not in whole}
    return sorted({*whole, *(one.replace(_ANY * 2, "*").replace(_ANY, "?") for one in rest)})


def _samples(pattern: str) -> Iterator[str]:
    """Names that a pattern fits."""
    parts = [one for one in re.split(r"(\[[^\]]+\])", pattern) if one]
    choices = [
        [letter for letter in _IN_BRACKETS if fnmatchcase(letter, part)]
        if part.startswith("[") and part.endswith("]")
        else [part.replace("*", _ANY * 2).replace("?", _ANY)]
        for part in parts
    ]
    return islice(map("".join, product(*choices)), _MOST_SAMPLES)
