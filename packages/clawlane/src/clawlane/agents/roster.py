"""The agents of a config, and which of them answers where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clawlane.config.agents import (
    AcpBrain,
    AgentDefaults,
    AgentEntry,
    Binding,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    ModelBrain,
    PeerKind,
)
from clawlane.messages import Thread, ThreadKind

MAIN = "main"
"""The id of the only agent where the config lists none."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """An agent with what it has from `agents.defaults`. `place` is where its brain is written."""

    id: str
    settings: AgentDefaults
    brain: EchoBrain | EndpointBrain | ModelBrain | AcpBrain | CommandBrain
    place: str
    name: str = ""


def settled(defaults: AgentDefaults, entries: Sequence[AgentEntry]) -> list[AgentSettings]:
    """All agents, each with what it says itself and the defaults for the rest."""
    if not entries:
        return [_settled(MAIN, defaults, "agents.defaults", "agents.defaults")]
    agents = []
    for number, entry in enumerate(entries):
        own = {
            key: getattr(entry, key) for key in entry.model_fields_set if key in AgentDefaults.model_fields
        }
        place = f"agents.list[{number}]"
        brain_place = place if entry.brain is not None else "agents.defaults"
        agents.append(_settled(entry.id, defaults.model_copy(update=own), place, brain_place, entry.name))
    return agents


def _settled(id: str, settings: AgentDefaults, place: str, brain_place: str, name: str = "") -> AgentSettings:
    if settings.brain is not None:
        return AgentSettings(id, settings, settings.brain, f"{brain_place}.brain", name)
    if settings.model is not None:
        return AgentSettings(id, settings, ModelBrain(), f"{place}.model", name)
    return AgentSettings(id, settings, EchoBrain(), place, name)


def default_agent(entries: Sequence[AgentEntry]) -> str:
    """The id of the agent that answers where no binding says otherwise."""
    return next((entry.id for entry in entries if entry.default), entries[0].id if entries else MAIN)


@dataclass(frozen=True, slots=True)
class Bindings:
    """Which agent answers where. The most specific binding wins, the first one of equals."""

    bindings: Sequence[Binding]
    default: str
    default_account: Callable[[str], str]
    """Channel → its default account."""

    def agent(self, channel: str, account: str, thread: Thread) -> str:
        """The id of the agent for a thread of an account."""
        best, chosen = 0, self.default
        for binding in self.bindings:
            weight = self._weight(binding, channel, account, thread)
            if weight > best:
                best, chosen = weight, binding.agent_id
        return chosen

    def _weight(self, binding: Binding, channel: str, account: str, thread: Thread) -> int:
        """How specific a binding is: a thread 3, an account 2, a channel 1; 0 where it does not hold."""
        match = binding.match
        wanted = match.account_id or self.default_account(channel)
        if match.channel != channel or wanted not in ("*", account):
            return 0
        if match.peer is None:
            return 1 if match.account_id == "*" else 2
        kind = ThreadKind.GROUP if match.peer.kind is PeerKind.GROUP else ThreadKind.DM
        return 3 if (kind, match.peer.id) == (thread.kind, thread.id) else 0


def session_key(agent: str, account: str, thread: Thread) -> str:
    """The name of a conversation, such as `agent:main:zalouser:default:dm:1471383327500481391`."""
    return f"agent:{agent}:{account.replace('/', ':')}:{thread.kind}:{thread.id}"
