"""Agents at work: what the config says of a brain, turned into something that answers turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from clawlane.access.context import HistoryMessage
from clawlane.agents.acp import AcpAgent
from clawlane.agents.answer import SILENCE, read_answer
from clawlane.agents.child import Program
from clawlane.agents.command import Command
from clawlane.agents.contract import Agent, AsksOnce, TurnInput
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import ChatMessage, Endpoint
from clawlane.agents.errors import AgentFailed, AgentInterrupted, AgentMisconfigured, AgentsUnusable
from clawlane.agents.memory import SUMMARY, Conversation, SessionMemory
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.config.agents import (
    AcpBrain,
    ChildBrain,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    Memory,
    ModelBrain,
    SessionSettings,
)
from clawlane.config.routing import AgentSettings, Bindings
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Attachment, Quote, Reply, Thread

_SESSION = SessionSettings()

LONGEST_REPLY = 40_000
"""Characters: twenty messages of Zalo's length."""


@dataclass(frozen=True, slots=True)
class _EndpointAgent:
    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession
    session: SessionSettings
    remembers: bool
    """Whether the agent remembers by itself, and is told each turn alone."""

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        prompt = user_prompt(turn, settings.max_input_chars)
        memory = SessionMemory(self.agent, self.session, self._sum_up)
        if self.remembers:
            conversation = Conversation(session=await memory.name(turn))
        else:
            conversation = await memory.begin(turn)
        messages = _chat(instructions(settings.instructions), conversation, prompt)
        completion = await self.endpoint.ask(self.http, messages, conversation.session)
        reply = _reply(completion.text, self.agent, f"{self.agent.id}/{self.endpoint.model}")
        if not self.remembers:
            await memory.answered(turn, reply.text if reply else SILENCE)
        return reply

    async def _sum_up(self, text: str) -> str:
        messages = _chat(SUMMARY, Conversation(), text)
        completion = await self.endpoint.ask(self.http, messages, f"agent:{self.agent.id}:summary")
        reply = _reply(completion.text, self.agent)
        return reply.text if reply else ""

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
        prompt = user_prompt(turn, settings.max_input_chars)
        try:
            answer = await self.acp.ask(session, prompt, first=instructions(settings.instructions))
        except AgentInterrupted as interrupted:
            if settings.retry_interrupted:
                raise AgentFailed(str(interrupted)) from None
            raise
        return _reply(answer, self.agent)

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return not self.agent.settings.retry_interrupted


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
        if answer.media or answer.react:
            raise AgentMisconfigured(
                f"{self.agent.place}: this version sends no attachments and no reactions; answer with text"
            )
        reply = _reply(answer.text, self.agent)
        await memory.answered(turn, reply.text if reply else SILENCE)
        return reply

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once


def _reply(raw: str, agent: AgentSettings, model: str = "") -> Reply | None:
    answer = read_answer(raw, attachments=False)  # nothing sends them yet
    if answer is None or not answer.text:
        return None
    if len(answer.text) > LONGEST_REPLY:
        raise AgentMisconfigured(
            f"{agent.place}: the reply has {len(answer.text)} characters, at most {LONGEST_REPLY} are sent;"
            " ask for shorter ones in `instructions`"
        )
    return Reply(answer.text, agent.settings.identity.name or agent.name, model)


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
    return {
        "message": message.text[:longest],
        "history": [*_earlier(conversation, longest), *map(_in_group, turn.history)],
        "quote": _quote(message.quote),
        "attachments": [_attachment(one) for one in message.attachments],
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

    def __init__(self, agents: Mapping[str, Agent], bindings: Bindings) -> None:
        self._agents = agents
        self._bindings = bindings

    async def run(self, turn: TurnInput) -> Reply | None:
        return await self._agent(turn.account, turn.thread).run(turn)

    def asks_once(self, account: str, thread: Thread) -> bool:
        agent = self._agent(account, thread)
        return isinstance(agent, AsksOnce) and agent.asks_once(account, thread)

    def _agent(self, account: str, thread: Thread) -> Agent:
        channel, _, name = account.partition("/")
        return self._agents[self._bindings.agent(channel, name, thread)]


@dataclass(slots=True)
class _Opener:
    """Opens agents one by one and collects what is wrong with them."""

    stack: AsyncExitStack
    environ: Mapping[str, str]
    folder: Path
    session: SessionSettings
    problems: list[str]
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
                self.problems.append(
                    f"{agent.place}: this version has no agents of kind 'model' yet; use 'endpoint'"
                )
                return EchoAgent()

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
        return _EndpointAgent(agent, endpoint, self.http, self.session, brain.memory is Memory.THEIRS)

    def _program(self, agent: AgentSettings, brain: ChildBrain) -> Program:
        env = {name: self._read(secret, f"{agent.place}.env.{name}") for name, secret in brain.env.items()}
        cwd = Path(brain.cwd).expanduser() if brain.cwd else self.folder / agent.id
        return Program(agent.place, brain.command, cwd, env)

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
    session: SessionSettings = _SESSION,
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    Raises `AgentsUnusable` with everything that keeps them from running.
    """
    async with AsyncExitStack() as stack:
        opener = _Opener(stack, environ, folder, session, [])
        opened = {agent.id: await opener.open(agent) for agent in agents}
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        yield Brains(opened, bindings)
