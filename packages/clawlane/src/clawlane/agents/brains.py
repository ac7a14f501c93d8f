"""Agents at work: what the config says of a brain, turned into something that answers turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from clawlane.access.context import HistoryMessage
from clawlane.agents.acp import AcpAgent
from clawlane.agents.budget import Ledger, TurnLedger, rough_tokens
from clawlane.agents.child import Program
from clawlane.agents.command import Command
from clawlane.agents.contract import (
    Agent,
    AsksOnce,
    Attached,
    Checks,
    FileUse,
    Reachable,
    TurnInput,
    UsesFiles,
)
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import ChatMessage, Completion, Endpoint, ImagesRefused
from clawlane.agents.errors import AgentFailed, AgentInterrupted, AgentMisconfigured, AgentsUnusable
from clawlane.agents.inbound_media import PICTURE_TOKENS, Pictures, images
from clawlane.agents.memory import SUMMARY, Conversation, SessionMemory
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.agents.reply import read_reply, remembered
from clawlane.agents.transcriber import SpeechModel, Transcriber
from clawlane.channel import Account
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
from clawlane.config.mcp import Mcp, McpServer
from clawlane.config.media_tools import AudioModel, AudioTools, audio_address
from clawlane.config.routing import AgentSettings, Bindings
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Quote, Reply, Thread
from clawlane.store.spending import Spent

if TYPE_CHECKING:
    from clawlane.agents.mcp_tools import McpServers
    from clawlane.agents.providers import ProviderAccess

_NO_MODELS, _SESSION, _NO_SERVERS, _NO_AUDIO = Models(), SessionSettings(), Mcp(), AudioTools()
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _EndpointAgent:
    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession
    ledger: Ledger
    price: Price | None
    session: SessionSettings
    remembers: bool
    """Whether the agent remembers by itself, and is told each turn alone."""

    async def check(self, turn: TurnInput) -> None:
        await self.ledger.of(turn).check()

    async def run(self, turn: TurnInput) -> Reply | None:
        ledger = self.ledger.of(turn)
        memory = SessionMemory(self.agent, self.session, self._sum_up)
        if self.remembers:
            conversation = Conversation(session=await memory.name(turn))
        else:
            conversation = await memory.begin(turn)
        completion = await self._answer(ledger, turn, conversation)
        model = f"{self.agent.id}/{self.endpoint.model}"
        reply = read_reply(completion.text, self.agent, model, ledger.tokens)
        if not self.remembers:
            await memory.answered(turn, remembered(reply))
        return reply

    async def _answer(self, ledger: TurnLedger, turn: TurnInput, conversation: Conversation) -> Completion:
        pictures = await images(turn) if self._sees else Pictures()
        try:
            messages = self._messages(turn, conversation, pictures)
            return await self._ask(ledger, messages, conversation.session)
        except ImagesRefused:
            log.warning("%s: the model takes no pictures; write `images: false`", self.agent.place)
        messages = self._messages(turn, conversation, pictures.refused())
        return await self._ask(ledger, messages, conversation.session)

    def _messages(self, turn: TurnInput, conversation: Conversation, pictures: Pictures) -> list[ChatMessage]:
        settings = self.agent.settings
        prompt = user_prompt(turn, settings.max_input_chars, pictures.notes)
        *before, last = _chat(instructions(settings.instructions), conversation, prompt)
        return [*before, replace(last, images=[one.url for one in pictures.shown])]

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.PICTURES if self._sees else FileUse.NOTHING

    @property
    def _sees(self) -> bool:
        return isinstance(self.agent.brain, EndpointBrain) and self.agent.brain.images

    async def _sum_up(self, turn: TurnInput, text: str) -> str:
        messages = _chat(SUMMARY, Conversation(), text)
        completion = await self._ask(self.ledger.of(turn), messages, f"agent:{self.agent.id}:summary")
        reply = read_reply(completion.text, self.agent)
        return reply.text if reply else ""

    async def _ask(self, ledger: TurnLedger, messages: Sequence[ChatMessage], session: str) -> Completion:
        await ledger.check()
        completion = await self.endpoint.ask(self.http, messages, session)
        await ledger.add(self._spent(messages, completion))
        return completion

    async def reach(self) -> str:
        return await self.endpoint.reach(self.http)

    def _spent(self, messages: Sequence[ChatMessage], completion: Completion) -> Spent:
        """What an answer took; counted roughly where the server does not say, so that budgets hold."""
        given, answered = completion.prompt_tokens, completion.completion_tokens
        if not given and not answered:
            given = rough_tokens(*(message.content for message in messages))
            given += PICTURE_TOKENS * sum(len(message.images) for message in messages)
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
    session: SessionSettings
    names: dict[tuple[str, Thread], str] = field(default_factory=dict)
    """The names of the conversations that it has."""

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        session = await SessionMemory(self.agent, self.session).name(turn)
        place = (turn.account, turn.thread)
        if (before := self.names.get(place, session)) != session:
            self.acp.forget(before)
        self.names[place] = session
        notes = {file.path: f"at {file.path}" for file in turn.files}
        prompt = user_prompt(turn, settings.max_input_chars, notes)
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

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


@dataclass(frozen=True, slots=True)
class _CommandAgent:
    agent: AgentSettings
    command: Command
    environ: Mapping[str, str]
    session: SessionSettings

    async def run(self, turn: TurnInput) -> Reply | None:
        memory = SessionMemory(self.agent, self.session)
        conversation = await memory.begin(turn)
        answer = await self.command.ask(command_input(turn, self.agent, conversation), self.environ)
        reply = read_reply(answer.text, self.agent, more=bool(answer.media or answer.react))
        if reply is not None:
            reply = replace(reply, media=(*reply.media, *answer.media), react=answer.react)
        await memory.answered(turn, remembered(reply))
        return reply

    async def reach(self) -> str:
        """A program is not started: it might act."""
        await asyncio.to_thread(self.command.program.check, self.environ)
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


def _chat(first: str, conversation: Conversation, prompt: str) -> list[ChatMessage]:
    """The messages of a request: instructions, the conversation, and what is asked now."""
    prompts = [*(exchange.prompt for exchange in conversation.exchanges), prompt]
    prompts[0] = conversation.opened(prompts[0])
    messages = [ChatMessage("system", first)]
    for asked, exchange in zip(prompts, conversation.exchanges, strict=False):
        messages += (ChatMessage("user", asked), ChatMessage("assistant", exchange.reply))
    return [*messages, ChatMessage("user", prompts[-1])]


def command_input(turn: TurnInput, agent: AgentSettings, conversation: Conversation) -> dict[str, Any]:
    """What a program is told of a turn, as plain values."""
    message = turn.message
    longest = agent.settings.max_input_chars
    attached = turn.attached or [Attached(one, 0, number) for number, one in enumerate(message.attachments)]
    return {
        "message": message.text[:longest],
        "history": [*_earlier(conversation, longest), *map(_in_group, turn.history)],
        "quote": _quote(message.quote, attached),
        "attachments": [_attachment(one) for one in attached if one.number is not None],
        "thread": {"kind": str(turn.thread.kind), "id": turn.thread.id},
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "account": turn.account,
        "session": conversation.session,
        "sent_ms": message.sent_ms,
        "message_ids": [one.message_id for one in turn.messages],
    }


def _earlier(conversation: Conversation, longest: int) -> Iterator[dict[str, Any]]:
    """What was asked before (`user`), what was answered (`assistant`), and what the group said (`group`)."""
    for exchange in conversation.exchanges:
        yield from map(_in_group, exchange.asked.history)
        said = exchange.asked.message
        yield _entry("user", said.sender_id, said.sender_name, said.text[:longest], said.sent_ms)
        yield {"role": "assistant", "text": exchange.reply}


def _in_group(one: HistoryMessage) -> dict[str, Any]:
    return _entry("group", one.sender_id, one.sender_name, one.text, one.sent_ms)


def _entry(role: str, sender_id: str, name: str, text: str, sent_ms: int) -> dict[str, Any]:
    return {"role": role, "sender": {"id": sender_id, "name": name}, "text": text, "sent_ms": sent_ms}


def _quote(quote: Quote | None, attached: Sequence[Attached]) -> dict[str, Any] | None:
    if quote is None:
        return None
    there = [Attached(quote.attachment, 0, None)] if quote.attachment else []
    there = [one for one in attached if one.number is None] or there
    return {
        "message_id": quote.message_id,
        "sender_id": quote.owner_id,
        "text": quote.text,
        "attachment": _attachment(there[0]) if there else None,
    }


def _attachment(one: Attached) -> dict[str, Any]:
    """An attachment; one that was fetched has a `path`, and its type by its content."""
    attachment, file = one.attachment, one.file
    told: dict[str, Any] = {"kind": attachment.kind, "title": attachment.title, "size": attachment.size}
    if file is not None:
        told |= {"path": str(file.path), "mime": file.mime, "size": file.size}
    if attachment.transcript:
        told["transcript"] = attachment.transcript
    if one.why_not:
        told["why_not"] = one.why_not
    return told


class Brains:
    """The agents of a config while they run, as one `Agent` that knows which of them answers where."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        bindings: Bindings,
        folders: Mapping[str, Path],
        transcriber: Transcriber | None = None,
        media: OutboundMedia | None = None,
        servers: McpServers | None = None,
    ) -> None:
        """`folders` has the own folder of each agent. Without `media` nothing is attached to replies."""
        self._agents = agents
        self._bindings = bindings
        self._folders = folders
        self._transcriber = transcriber
        self._media = media
        self._servers = servers

    async def run(self, turn: TurnInput) -> Reply | None:
        if self._transcriber is not None:
            turn = await self._transcriber.transcribed(turn)
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

    def file_use(self, account: str, thread: Thread) -> FileUse:
        agent = self._agents[self._name(account, thread)]
        if not isinstance(agent, UsesFiles):
            return FileUse.NOTHING
        return agent.file_use(account, thread) | (FileUse.SOUND if self._transcriber else FileUse.NOTHING)

    async def reach(self) -> str:
        """Try the default agent with a request that nobody acts on, and its MCP servers; see `Reachable`."""
        agent = self._agents[self._bindings.default]
        remarks = [await agent.reach()] if isinstance(agent, Reachable) else []
        if self._servers is not None:
            await self._servers.tried()
            remarks += (f"mcp.servers.{name}: {why}" for name, why in self._servers.problems().items())
        return "; ".join(filter(None, remarks))

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
    accounts: Sequence[Account]
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
                return _AcpAgent(agent, await self.stack.enter_async_context(acp), self.session)
            case CommandBrain():
                once = not agent.settings.retry_interrupted
                command = Command(self._program(agent, agent.brain), agent.settings.timeout_seconds, once)
                return _CommandAgent(agent, command, self.environ, self.session)
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
        folder = own_folder(agent, self.folder)
        tools = TurnTools(agent, self.servers, self._servers_of(agent), self.media, folder)
        return ModelAgent(agent, models, Ledger(agent), self.session, tools.of)

    def _servers_of(self, agent: AgentSettings) -> Mapping[str, McpServer]:
        return self.mcp.servers_for(agent.settings.tools, self.accounts)

    def mcp_servers(self, agents: Sequence[AgentSettings]) -> McpServers | None:
        """The MCP servers that agents of kind `model` use; None if they use none."""
        used = {
            name: server
            for agent in agents
            if isinstance(agent.brain, ModelBrain)
            for name, server in self._servers_of(agent).items()
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
            name,
            place,
            written.spoken(name),
            key,
            written.base_url,
            headers,
            written.prices,
            partial(written.sees, name),
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
        http = await self._client()
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
        theirs = brain.memory is Memory.THEIRS
        return _EndpointAgent(agent, endpoint, http, Ledger(agent), brain.price, self.session, theirs)

    async def transcriber(self, audio: AudioTools) -> Transcriber | None:
        """What writes down voice messages; None if nothing is configured for it."""
        asked = [self._speech_model(number, one) for number, one in audio.chosen]
        if not asked:
            return None
        http = await self._client()
        return Transcriber(http, asked, audio.language, audio.max_bytes, audio.timeout_seconds)

    def _speech_model(self, number: int, one: AudioModel) -> SpeechModel:
        place = format_path(("tools", "media", "audio", "models", number))
        provider = self.models.providers.get(one.provider, Provider())
        of_provider = format_path(("models", "providers", one.provider))
        headers = {
            name: self._read(secret, f"{of_provider}.headers.{name}")
            for name, secret in provider.headers.items()
        }
        key = ""
        if one.api_key is not None:
            key = self._read(one.api_key, f"{place}.apiKey")
        elif provider.api_key is not None:
            key = self._read(provider.api_key, f"{of_provider}.apiKey")
        elif one.provider and provider.base_url is None:
            key = self._own_key(one.provider, f"{of_provider}.apiKey")
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return SpeechModel(place, audio_address(one, self.models), one.model, headers)

    async def _client(self) -> aiohttp.ClientSession:
        if self.http is None:
            self.http = await self.stack.enter_async_context(aiohttp.ClientSession())
        return self.http

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
    audio: AudioTools = _NO_AUDIO,
    media: OutboundMedia | None = None,
    accounts: Sequence[Account] = (),
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    `audio` says how voice messages become text; with `media` replies get the files that agents ask for.
    Raises `AgentsUnusable` with everything that keeps the agents from running.
    """
    async with AsyncExitStack() as stack:
        opener = _Opener(stack, environ, folder, models, session, mcp, media, accounts, [])
        opener.servers = opener.mcp_servers(agents)
        opened = {agent.id: await opener.open(agent) for agent in agents}
        transcriber = await opener.transcriber(audio)
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        if opener.servers is not None:
            await stack.enter_async_context(opener.servers.running())
        folders = {agent.id: own_folder(agent, folder) for agent in agents}
        yield Brains(opened, bindings, folders, transcriber, media, opener.servers)


def own_folder(agent: AgentSettings, folder: Path) -> Path:
    """The folder that an agent works in, and whose files it may send: one in `folder`, or its `cwd`."""
    brain = agent.brain
    return Path(brain.cwd).expanduser() if isinstance(brain, ChildBrain) and brain.cwd else folder / agent.id
