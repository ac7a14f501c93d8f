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
from clawlane.config.agents import Agents, CommandBrain, EndpointBrain, Memory, ModelBrain, SessionSettings
from clawlane.config.routing import MAIN, AgentSettings, Bindings, settled
from clawlane.lane.access_checker import AccessChecker
from clawlane.language import primary
from clawlane.messages import Inbound, Thread
from clawlane.store import sessions, spending
from clawlane.store.account_store import AccountStore, Clock
from clawlane.store.models import OpenTurn
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
        words = _VIETNAMESE if primary(self.access.grants().language) == "vi" else _ENGLISH
        inbound, thread, answering = turn.inbound, turn.inbound.thread, self.answering()
        if self.act is not None and self.is_action(turn):
            return await self.act(inbound.text)
        agent = answering.agent(self.account_store.account, thread)
        if turn.command in CLEARS_HISTORY:
            await self.account_store.run(sessions.reset, agent.id, thread)
            return words.new
        if turn.command == STOP:
            return words.stopped if stopped else words.nothing_runs
        if turn.command == "/status":
            return await self._status(words, answering, agent, thread)
        if turn.command == "/help":
            more = await self.act("/help") if self.act and self.access.rules().owner_commands else ""
            return f"{words.help}\n{more}" if more else words.help
        return self._whoami(words, inbound)

    async def _status(self, words: _Words, answering: Answering, agent: AgentSettings, thread: Thread) -> str:
        lines = [words.agent.format(id=agent.id, kind=agent.brain.kind, model=_model(agent) or "–")]
        if _is_remembered_here(agent):
            memory = SessionMemory(agent, answering.session)
            conversation = await memory.look(self.account_store, thread)
            lines.append(
                words.conversation.format(
                    turns=len(conversation.exchanges),
                    tokens=conversation.tokens,
                    most=answering.session.max_tokens,
                )
            )
        day = answering.zone.day(self.now_ms())
        spent = await self.account_store.run(spending.spent, agent.id, day)
        cost = f"${spent.usd:.2f}" if spent.usd else words.no_price
        lines.append(words.today.format(tokens=spent.tokens, cost=cost))
        return "\n".join(lines)

    def _whoami(self, words: _Words, inbound: Inbound) -> str:
        return words.whoami.format(
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
    return isinstance(agent.brain, ModelBrain | CommandBrain)


def _model(agent: AgentSettings) -> str:
    match agent.brain:
        case EndpointBrain():
            return agent.brain.model
        case ModelBrain():
            return agent.settings.model.primary if agent.settings.model else ""
    return ""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the gateway says in one language."""

    new: str
    stopped: str
    nothing_runs: str
    agent: str
    conversation: str
    today: str
    no_price: str
    whoami: str
    help: str


_VIETNAMESE = _Words(
    new="Đã bắt đầu cuộc trò chuyện mới.",
    stopped="Đã dừng.",
    nothing_runs="Không có gì đang chạy.",
    agent="Agent: {id} ({kind}), mô hình: {model}",
    conversation="Cuộc trò chuyện: {turns} lượt, khoảng {tokens}/{most} token",
    today="Hôm nay: {tokens} token, chi phí: {cost}",
    no_price="không rõ",
    whoami="Bạn: {name}, ID {id}\nNơi trò chuyện: {thread}\nTài khoản: {account}, ID {own_id}",
    help=(
        "/new, /reset – bắt đầu cuộc trò chuyện mới\n"
        "/stop – dừng câu trả lời đang chạy\n"
        "/status – agent, mô hình, số token và chi phí hôm nay\n"
        "/whoami – các ID của bạn và của tài khoản này\n"
        "/help – danh sách này"
    ),
)
_ENGLISH = _Words(
    new="A new conversation begins.",
    stopped="Stopped.",
    nothing_runs="Nothing is running.",
    agent="Agent: {id} ({kind}), model: {model}",
    conversation="Conversation: {turns} turns, about {tokens} of {most} tokens",
    today="Today: {tokens} tokens, cost: {cost}",
    no_price="not known",
    whoami="You: {name}, id {id}\nChat: {thread}\nAccount: {account}, id {own_id}",
    help=(
        "/new, /reset – begin a new conversation\n"
        "/stop – stop the answer that is being written\n"
        "/status – agent, model, tokens, and the cost of today\n"
        "/whoami – your ids and those of this account\n"
        "/help – this list"
    ),
)
