"""The agents of a config, and which of them answers where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clawlane.config.agents import (
    AcpBrain,
    AgentDefaults,
    AgentEntry,
    Agents,
    Binding,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    ModelBrain,
    PeerKind,
    WebhookBrain,
)
from clawlane.config.errors import KeyPath, format_path
from clawlane.messages import Thread, ThreadKind

MAIN = "main"
"""The id of the only agent where the config lists none."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """An agent with what it has from `agents.defaults`.

    `owner` is its own place in the config, `path` the one where its brain is written.
    """

    id: str
    settings: AgentDefaults
    brain: EchoBrain | EndpointBrain | ModelBrain | AcpBrain | CommandBrain | WebhookBrain
    owner: KeyPath
    path: KeyPath
    name: str = ""
    own: frozenset[str] = frozenset()
    """The fields that it says itself, where it is one of a list."""

    @property
    def place(self) -> str:
        """Where its brain is written, for errors: `agents.list[0].brain`."""
        return format_path(self.path)

    def place_of(self, name: str) -> KeyPath:
        """Where a field is written, or could be."""
        inherited = name in self.settings.model_fields_set and name not in self.own
        owner = ("agents", "defaults") if inherited else self.owner
        return (*owner, AgentDefaults.model_fields[name].alias or name)

    def at(self, name: str) -> str:
        """Where a field is written, for errors: `agents.defaults.maxRequests`."""
        return format_path(self.place_of(name))


def settled(agents: Agents) -> list[AgentSettings]:
    """All agents, each with what it says itself and the defaults for the rest."""
    defaults: KeyPath = ("agents", "defaults")
    if not agents.list:
        return [_settled(MAIN, agents.defaults, defaults, defaults)]
    found = []
    for number, entry in enumerate(agents.list):
        set_here = entry.model_fields_set & AgentDefaults.model_fields.keys()
        own = {key: getattr(entry, key) for key in set_here}
        path: KeyPath = ("agents", "list", number)
        brain_path = path if entry.brain is not None else defaults
        settings = agents.defaults.model_copy(update=own)
        one = _settled(entry.id, settings, path, brain_path)
        found.append(replace(one, name=entry.name, own=frozenset(set_here)))
    return found


def _settled(id_: str, settings: AgentDefaults, owner: KeyPath, brain_path: KeyPath) -> AgentSettings:
    if settings.brain is not None:
        return AgentSettings(id_, settings, settings.brain, owner, (*brain_path, "brain"))
    if settings.model is not None:
        return AgentSettings(id_, settings, ModelBrain(), owner, (*owner, "model"))
    return AgentSettings(id_, settings, EchoBrain(), owner, owner)


def default_agent(entries: Sequence[AgentEntry]) -> str:
    """The id of the agent that answers where no binding says otherwise."""
    return next((entry.id for entry in entries if entry.default), entries[0].id if entries else MAIN)


@dataclass(frozen=True, slots=True)
class Bindings:
    """Which agent answers where. The most specific binding wins, the first one of equals."""

    bindings: Sequence[Binding]
    default: str
    default_accounts: Mapping[str, str]
    """Channel → its default account."""

    def agent(self, channel: str, account: str, thread: Thread) -> str:
        """The id of the agent for a thread of an account."""
        best, chosen = 0, self.default
        for binding in self.bindings:
            weight = self._weight(binding, channel, account, thread)
            if weight > best:
                best, chosen = weight, binding.agent_id
        return chosen

    def agent_of(self, account: str, thread: Thread) -> str:
        """The same for an account by its whole name (`channel/id`)."""
        channel, _, name = account.partition("/")
        return self.agent(channel, name, thread)

    def reach(self, agent: str, channel: str, account: str) -> tuple[bool, bool]:
        """Whether people without a binding of their own reach an agent: by direct message, and in groups."""
        holding = [one for one in self.bindings if self._holds(one, channel, account)]
        broad = max((one for one in holding if one.match.peer is None), key=self._breadth, default=None)
        general = (broad.agent_id if broad else self.default) == agent
        groups = [one for one in holding if one.match.peer and one.match.peer.kind is PeerKind.GROUP]
        return general, general or any(one.agent_id == agent for one in groups)

    def answers(self, agent: str, channel: str, account: str) -> bool:
        """Whether an agent answers anybody at all on an account."""
        threads = (one for one in self.bindings if one.match.peer and self._holds(one, channel, account))
        general, _ = self.reach(agent, channel, account)
        return general or any(one.agent_id == agent for one in threads)

    def _breadth(self, binding: Binding) -> int:
        return 1 if binding.match.account_id == "*" else 2

    def _holds(self, binding: Binding, channel: str, account: str) -> bool:
        wanted = binding.match.account_id or self.default_accounts.get(channel)
        return binding.match.channel == channel and wanted in ("*", account)

    def _weight(self, binding: Binding, channel: str, account: str, thread: Thread) -> int:
        """How specific a binding is: a thread 3, an account 2, a channel 1; 0 where it does not hold."""
        if not self._holds(binding, channel, account):
            return 0
        peer = binding.match.peer
        if peer is None:
            return self._breadth(binding)
        kind = ThreadKind.GROUP if peer.kind is PeerKind.GROUP else ThreadKind.DM
        return 3 if (kind, peer.id) == (thread.kind, thread.id) else 0


def session_key(agent: str, account: str, thread: Thread) -> str:
    """The name of a conversation, such as `agent:main:zalouser:default:dm:1471383327500481391`."""
    return f"agent:{agent}:{account.replace('/', ':')}:{thread.kind}:{thread.id}"
