"""Control commands that the gateway answers itself: what they do, and the words of the answers.

Who may give them is decided with the message. Three answer owners only: from others they reach the agent as
text. None of them starts an agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clawlane.access.rules import CLEARS_HISTORY, OWNER_ACTIONS, OWNER_COMMANDS, STOP
from clawlane.agents.memory import SessionMemory
from clawlane.config.agents import (
    Agents,
    CommandBrain,
    EndpointBrain,
    Memory,
    ModelBrain,
    SessionSettings,
    WebhookBrain,
)
from clawlane.config.routing import MAIN, AgentSettings, Bindings, settled
from clawlane.lane.access_checker import AccessChecker
from clawlane.language import spoken
from clawlane.messages import Inbound, Thread
from clawlane.store import sessions, spending
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import OpenTurn
from clawlane.texts import in_locale, later, t
from clawlane.zone import MACHINE, Zone

if TYPE_CHECKING:
    from clawlane.config.load import Config


@dataclass(frozen=True, slots=True)
class Answering:
    """Which agents answer where, how much they remember, and when a day begins for them.

    Without a config: an echo everywhere.
    """

    agents: Mapping[str, AgentSettings] = field(
        default_factory=lambda: {agent.id: agent for agent in settled(Agents())}
    )
    bindings: Bindings = field(default_factory=lambda: Bindings((), MAIN, {}))
    session: SessionSettings = field(default_factory=SessionSettings)
    zone: Zone = MACHINE

    @classmethod
    def of(cls, config: Config) -> Answering:
        """What the config says."""
        agents = {agent.id: agent for agent in config.agents}
        return cls(agents, config.routing, config.root.session, Zone(config.root.timezone or ""))

    def agent(self, account: str, thread: Thread) -> AgentSettings:
        """The agent that answers in a thread of an account (`channel/id`)."""
        return self.agents[self.bindings.agent_of(account, thread)]


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of one account. `answering` gives what the config in force says of the agents.

    `act` carries out what an owner writes, and gives the answer.
    """

    account_store: AccountStore
    access: AccessChecker
    answering: Callable[[], Answering]
    now_ms: Clock
    act: Callable[[str], Awaitable[str]] | None = None

    def answers(self, turn: OpenTurn) -> bool:
        """Whether a turn is a command that the gateway answers. The others are for the agent."""
        if turn.command in OWNER_ACTIONS:
            return self.is_action(turn)
        if turn.command not in OWNER_COMMANDS:
            return bool(turn.command)
        return self.access.rules().is_owner(turn.inbound.sender_id, self.access.grants().pins)

    def is_action(self, turn: OpenTurn) -> bool:
        """Whether a turn is something that its sender, an owner, wants to have done. A pause holds none."""
        if turn.command not in OWNER_ACTIONS or self.act is None:
            return False
        rules, pins = self.access.rules(), self.access.grants().pins
        return rules.owner_commands and rules.is_owner(turn.inbound.sender_id, pins)

    def overtakes(self, turn: OpenTurn) -> bool:
        """Whether a command need not wait for the turns before it: it changes nothing, or stops them."""
        return turn.command not in CLEARS_HISTORY and self.answers(turn)

    async def reply(self, turn: OpenTurn, stopped: int) -> str:
        """Carry a command out and give the answer. `stopped` is how many turns a `/stop` has ended."""
        with in_locale(spoken(self.access.grants().language)[-1]):
            return await self._reply(turn, stopped)

    async def _reply(self, turn: OpenTurn, stopped: int) -> str:
        inbound, thread, answering = turn.inbound, turn.inbound.thread, self.answering()
        if self.act is not None and self.is_action(turn):
            return await self.act(inbound.text)
        agent = answering.agent(self.account_store.account, thread)
        if turn.command in CLEARS_HISTORY:
            await self.account_store.run(sessions.reset, agent.id, thread)
            return t("A new conversation begins.")
        if turn.command == STOP:
            return t("Stopped.") if stopped else t("Nothing is running.")
        if turn.command == "/status":
            return await self._status(answering, agent, thread)
        if turn.command == "/help":
            more = await self.act("/help") if self.act and self.access.rules().owner_commands else ""
            return f"{t(_HELP)}\n{more}" if more else t(_HELP)
        return self._whoami(inbound)

    async def _status(self, answering: Answering, agent: AgentSettings, thread: Thread) -> str:
        about = {"id": agent.id, "kind": agent.brain.kind, "model": _model(agent) or "–"}
        lines = [t("Agent: {id} ({kind}), model: {model}", **about)]
        if _is_remembered_here(agent):
            memory = SessionMemory(agent, answering.session)
            conversation = await memory.look(self.account_store, thread)
            lines.append(
                t(
                    "Conversation: {turns} turns, about {tokens} of {most} tokens",
                    turns=len(conversation.exchanges),
                    tokens=conversation.tokens,
                    most=answering.session.max_tokens,
                )
            )
        day = answering.zone.day(self.now_ms())
        spent = await self.account_store.run(spending.spent, agent.id, day)
        cost = f"${spent.usd:.2f}" if spent.usd else t("not known")
        lines.append(t("Today: {tokens} tokens, cost: {cost}", tokens=spent.tokens, cost=cost))
        return "\n".join(lines)

    def _whoami(self, inbound: Inbound) -> str:
        return t(
            "You: {name}, id {id}\nChat: {thread}\nAccount: {account}, id {own_id}",
            name=inbound.sender_name or "–",
            id=inbound.sender_id,
            thread=inbound.thread,
            account=self.account_store.account,
            own_id=self.access.grants().own_id or "–",
        )


def _is_remembered_here(agent: AgentSettings) -> bool:
    """Whether the conversations of an agent are in the store. Others have none, or remember themselves."""
    if isinstance(agent.brain, EndpointBrain):
        return agent.brain.memory is Memory.OURS
    return isinstance(agent.brain, ModelBrain | CommandBrain | WebhookBrain)


def _model(agent: AgentSettings) -> str:
    match agent.brain:
        case EndpointBrain():
            return agent.brain.model
        case ModelBrain():
            return agent.settings.model.primary if agent.settings.model else ""
    return ""


_HELP = later(
    "/new, /reset – begin a new conversation\n"
    "/stop – stop the answer that is being written\n"
    "/status – agent, model, tokens, and the cost of today\n"
    "/whoami – your ids and those of this account\n"
    "/help – this list"
)
