"""Agents at work: what the config says of a brain, turned into something that answers turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from clawlane.agents.acp import AcpAgent
from clawlane.agents.budget import Ledger, rough_tokens
from clawlane.agents.child import Program
from clawlane.agents.command import Command
from clawlane.agents.contract import Agent, AsksOnce, Checks, Reachable, TurnInput
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import ChatMessage, Completion, Endpoint
from clawlane.agents.errors import AgentFailed, AgentInterrupted, AgentMisconfigured, AgentsUnusable
from clawlane.agents.memory import SessionMemory
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.agents.reply import read_reply
from clawlane.config.agents import (
    OWN_KEYS,
    AcpBrain,
    ChildBrain,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    Memory,
    ModelBrain,
    Models,
    Price,
    Provider,
    SessionSettings,
)
from clawlane.config.errors import format_path
from clawlane.config.mcp import Mcp
from clawlane.config.routing import AgentSettings, Bindings, session_key
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Attachment, Quote, Reply, Thread
from clawlane.store.spending import Spent

if TYPE_CHECKING:
    from clawlane.agents.mcp_tools import McpServers
    from clawlane.agents.providers import ProviderAccess

_NO_MODELS, _SESSION, _NO_SERVERS = Models(), SessionSettings(), Mcp()


@dataclass(frozen=True, slots=True)
class _EndpointAgent:
    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession
    ledger: Ledger
    price: Price | None

    async def check(self, turn: TurnInput) -> None:
        await self.ledger.of(turn).check()

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        messages = (
            ChatMessage("system", instructions(settings.instructions)),
            ChatMessage("user", user_prompt(turn, settings.max_input_chars)),
        )
        session = session_key(self.agent.id, turn.account, turn.thread)
        ledger = self.ledger.of(turn)
        await ledger.check()
        completion = await self.endpoint.ask(self.http, messages, session)
        await ledger.add(self._spent(messages, completion))
        tokens = completion.prompt_tokens + completion.completion_tokens
        return read_reply(completion.text, self.agent, f"{self.agent.id}/{self.endpoint.model}", tokens)

    async def reach(self) -> str:
        return await self.endpoint.reach(self.http)

    def _spent(self, messages: Sequence[ChatMessage], completion: Completion) -> Spent:
        """What an answer took; counted roughly where the server does not say, so that budgets hold."""
        given, answered = completion.prompt_tokens, completion.completion_tokens
        if not given and not answered:
            given = sum(rough_tokens(message.content) for message in messages)
            answered = rough_tokens(completion.text)
        price = self.price
        usd = (given * price.input + answered * price.output) / 1_000_000 if price else 0.0
        return Spent(given, answered, usd)

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.endpoint.once


@dataclass(frozen=True, slots=True)
class _AcpAgent:
    agent: AgentSettings
    acp: AcpAgent

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        session = session_key(self.agent.id, turn.account, turn.thread)
        prompt = user_prompt(turn, settings.max_input_chars)
        try:
            answer = await self.acp.ask(session, prompt, first=instructions(settings.instructions))
        except AgentInterrupted as interrupted:
            if settings.retry_interrupted:
                raise AgentFailed(str(interrupted)) from None
            raise
        return read_reply(answer, self.agent)

    async def reach(self) -> str:
        await self.acp.reach()
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return not self.agent.settings.retry_interrupted


@dataclass(frozen=True, slots=True)
class _CommandAgent:
    agent: AgentSettings
    command: Command
    environ: Mapping[str, str]

    async def run(self, turn: TurnInput) -> Reply | None:
        answer = await self.command.ask(command_input(turn, self.agent), self.environ)
        more = answer.media or answer.react
        reply = Reply("") if more and not answer.text.strip() else read_reply(answer.text, self.agent)
        if reply is None and not more:
            return None
        reply = reply or Reply("")
        return replace(reply, media=(*reply.media, *answer.media), react=answer.react)

    async def reach(self) -> str:
        """A program is not started: it might act."""
        await asyncio.to_thread(self.command.program.check, self.environ)
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once


def command_input(turn: TurnInput, agent: AgentSettings) -> dict[str, Any]:
    """What a program is told of a turn, as plain values."""
    message = turn.message
    return {
        "message": message.text[: agent.settings.max_input_chars],
        "history": [
            _history_entry(one.sender_id, one.sender_name, one.text, one.sent_ms) for one in turn.history
        ],
        "quote": _quote(message.quote),
        "attachments": [_attachment(one) for one in message.attachments],
        "thread": {"kind": str(turn.thread.kind), "id": turn.thread.id},
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "account": turn.account,
        "session": session_key(agent.id, turn.account, turn.thread),
        "sent_ms": message.sent_ms,
        "message_ids": [one.message_id for one in turn.messages],
    }


def _history_entry(sender_id: str, name: str, text: str, sent_ms: int) -> dict[str, Any]:
    return {"sender": {"id": sender_id, "name": name}, "text": text, "sent_ms": sent_ms}


def _quote(quote: Quote | None) -> dict[str, Any] | None:
    if quote is None:
        return None
    attached = _attachment(quote.attachment) if quote.attachment else None
    return {
        "message_id": quote.message_id,
        "sender_id": quote.owner_id,
        "text": quote.text,
        "attachment": attached,
    }


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {"kind": attachment.kind, "title": attachment.title}


class Brains:
    """The agents of a config while they run, as one `Agent` that knows which of them answers where."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        bindings: Bindings,
        folders: Mapping[str, Path],
        media: OutboundMedia | None = None,
    ) -> None:
        """`folders` has the own folder of each agent. Without `media` nothing is attached to replies."""
        self._agents = agents
        self._bindings = bindings
        self._folders = folders
        self._media = media

    async def run(self, turn: TurnInput) -> Reply | None:
        name = self._name(turn.account, turn.thread)
        reply = await self._agents[name].run(turn)
        if reply is None or not reply.media or turn.lane is None or self._media is None:
            return reply
        return await self._media.attach(reply, self._folders[name], turn.lane)

    async def check(self, turn: TurnInput) -> None:
        agent = self._agents[self._name(turn.account, turn.thread)]
        if isinstance(agent, Checks):
            await agent.check(turn)

    def asks_once(self, account: str, thread: Thread) -> bool:
        agent = self._agents[self._name(account, thread)]
        return isinstance(agent, AsksOnce) and agent.asks_once(account, thread)

    async def reach(self) -> str:
        """Try the default agent with a request that nobody acts on; see `Reachable`."""
        agent = self._agents[self._bindings.default]
        return await agent.reach() if isinstance(agent, Reachable) else ""

    def _name(self, account: str, thread: Thread) -> str:
        channel, _, name = account.partition("/")
        return self._bindings.agent(channel, name, thread)


@dataclass(slots=True)
class _Opener:
    """Opens agents one by one and collects what is wrong with them."""

    stack: AsyncExitStack
    environ: Mapping[str, str]
    folder: Path
    models: Models
    session: SessionSettings
    mcp: Mcp
    media: OutboundMedia | None
    problems: list[str]
    servers: McpServers | None = None
    http: aiohttp.ClientSession | None = None

    async def open(self, agent: AgentSettings) -> Agent:
        match agent.brain:
            case EchoBrain():
                return EchoAgent()
            case EndpointBrain():
                return await self._endpoint(agent, agent.brain)
            case AcpBrain():
                program = self._program(agent, agent.brain)
                acp = AcpAgent(program, self.environ, agent.brain.allow, agent.settings.timeout_seconds)
                return _AcpAgent(agent, await self.stack.enter_async_context(acp))
            case CommandBrain():
                once = not agent.settings.retry_interrupted
                command = Command(self._program(agent, agent.brain), agent.settings.timeout_seconds, once)
                return _CommandAgent(agent, command, self.environ)
            case ModelBrain():
                return await self._model(agent)

    async def _model(self, agent: AgentSettings) -> Agent:
        try:
            from clawlane.agents.model_agent import ModelAgent
            from clawlane.agents.providers import open_models
            from clawlane.agents.turn_tools import TurnTools
        except ImportError as error:
            if (error.name or "clawlane").partition(".")[0] == "clawlane":
                raise
            self.problems.append(
                f"{agent.place}: the library for models is missing; run: pip install 'clawlane[agent]'"
            )
            return EchoAgent()
        choice = agent.settings.model
        assert choice is not None, "checked with the config"
        providers = {}
        for name in choice.all:
            provider = name.partition("/")[0]
            providers[provider] = self._access(provider)
        try:
            models = await self.stack.enter_async_context(open_models(choice.all, providers))
        except AgentMisconfigured as problem:
            self.problems.append(str(problem))
            return EchoAgent()
        if agent.settings.budget.usd_per_day is not None:
            for named in models:
                if named.price is None:
                    provider, _, model = named.name.partition("/")
                    self.problems.append(
                        f"{agent.at('budget')}.usdPerDay: the price of {named.name} is not known; write it"
                        f" as models.providers.{provider}.prices['{model}']: {{ input: …, output: … }}"
                    )
        memory = SessionMemory(agent, self.session)
        servers = self.mcp.servers_for(agent.settings.tools)
        tools = TurnTools(agent, self.servers, servers, self.media, own_folder(agent, self.folder))
        return ModelAgent(agent, models, Ledger(agent), memory, tools.of)

    def mcp_servers(self, agents: Sequence[AgentSettings]) -> McpServers | None:
        """The MCP servers that agents of kind `model` use; None if they use none."""
        used = {
            name: server
            for agent in agents
            if isinstance(agent.brain, ModelBrain)
            for name, server in self.mcp.servers_for(agent.settings.tools).items()
        }
        if not used:
            return None
        try:
            from clawlane.agents.mcp_tools import McpServers, mcp_server
        except ImportError as error:
            library = (error.name or "clawlane").partition(".")[0]
            if library == "clawlane":
                raise
            if library != "pydantic_ai":  # that one is missed for the models, too
                place = format_path(("mcp", "servers", next(iter(used))))
                self.problems.append(
                    f"{place}: the library for MCP servers is missing; run: pip install 'clawlane[mcp]'"
                )
            return None
        return McpServers(
            {
                name: mcp_server(name, server, self._read, self.environ, self.folder / f"mcp-{name}")
                for name, server in used.items()
            }
        )

    def _access(self, name: str) -> ProviderAccess:
        """How a provider is reached: what the config says of it, and what is known of those built in."""
        from clawlane.agents.providers import ProviderAccess

        place = format_path(("models", "providers", name))
        written = self.models.providers.get(name, Provider())
        headers = {
            header: self._read(secret, f"{place}.headers.{header}")
            for header, secret in written.headers.items()
        }
        key = ""
        if written.api_key is not None:
            key = self._read(written.api_key, f"{place}.apiKey")
        elif written.base_url is None:
            key = self._own_key(name, f"{place}.apiKey")
        return ProviderAccess(
            name, place, written.spoken(name), key, written.base_url, headers, written.prices
        )

    def _own_key(self, provider: str, place: str) -> str:
        """The key of a built-in provider, from the variable that its own tools read."""
        names = OWN_KEYS[provider]
        for name in names:
            if key := self.environ.get(name, "").strip():
                return key
        wanted = " nor ".join(names)
        self.problems.append(f"{place}: there is no key, and the variable {wanted} is not set")
        return ""

    async def _endpoint(self, agent: AgentSettings, brain: EndpointBrain) -> Agent:
        headers = {
            name: self._read(secret, f"{agent.place}.headers.{name}")
            for name, secret in brain.headers.items()
        }
        if brain.api_key is not None:
            headers["Authorization"] = f"Bearer {self._read(brain.api_key, f'{agent.place}.apiKey')}"
        if self.http is None:
            self.http = await self.stack.enter_async_context(aiohttp.ClientSession())
        endpoint = Endpoint(
            agent.place,
            brain.url,
            brain.model,
            headers,
            session_headers=tuple(name for name in brain.session if name != "user"),
            session_as_user="user" in brain.session,
            stream=brain.stream,
            once=brain.memory is Memory.THEIRS and not agent.settings.retry_interrupted,
            timeout_s=agent.settings.timeout_seconds,
        )
        return _EndpointAgent(agent, endpoint, self.http, Ledger(agent), brain.price)

    def _program(self, agent: AgentSettings, brain: ChildBrain) -> Program:
        env = {name: self._read(secret, f"{agent.place}.env.{name}") for name, secret in brain.env.items()}
        return Program(agent.place, brain.command, own_folder(agent, self.folder), env)

    def _read(self, secret: Secret, place: str) -> str:
        try:
            return secret.read(self.environ)
        except SecretMissing as missing:
            self.problems.append(f"{place}: {missing}")
            return ""


@asynccontextmanager
async def brains(
    agents: Sequence[AgentSettings],
    bindings: Bindings,
    environ: Mapping[str, str],
    folder: Path,
    models: Models = _NO_MODELS,
    session: SessionSettings = _SESSION,
    mcp: Mcp = _NO_SERVERS,
    media: OutboundMedia | None = None,
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    With `media` their replies get the files that they ask for. Raises `AgentsUnusable` with everything that
    keeps them from running.
    """
    async with AsyncExitStack() as stack:
        opener = _Opener(stack, environ, folder, models, session, mcp, media, [])
        opener.servers = opener.mcp_servers(agents)
        opened = {agent.id: await opener.open(agent) for agent in agents}
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        if opener.servers is not None:
            await stack.enter_async_context(opener.servers.running())
        folders = {agent.id: own_folder(agent, folder) for agent in agents}
        yield Brains(opened, bindings, folders, media)


def own_folder(agent: AgentSettings, folder: Path) -> Path:
    """The folder that an agent works in, and whose files it may send: one in `folder`, or its `cwd`."""
    brain = agent.brain
    return Path(brain.cwd).expanduser() if isinstance(brain, ChildBrain) and brain.cwd else folder / agent.id
