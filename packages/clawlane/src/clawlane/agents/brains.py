"""Agents at work: what the config says of a brain, turned into something that answers turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp

from clawlane.agents.acp import AcpAgent
from clawlane.agents.answer import read_answer
from clawlane.agents.child import Program
from clawlane.agents.command import Command
from clawlane.agents.contract import Agent, AsksOnce, Reachable, TurnInput
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import ChatMessage, Endpoint
from clawlane.agents.errors import AgentFailed, AgentInterrupted, AgentMisconfigured, AgentsUnusable
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.config.agents import (
    AcpBrain,
    ChildBrain,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    Memory,
    ModelBrain,
)
from clawlane.config.routing import AgentSettings, Bindings, session_key
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Attachment, Quote, Reply, Thread

LONGEST_REPLY = 40_000
"""Characters: twenty messages of Zalo's length."""


@dataclass(frozen=True, slots=True)
class _EndpointAgent:
    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        messages = (
            ChatMessage("system", instructions(settings.instructions)),
            ChatMessage("user", user_prompt(turn, settings.max_input_chars)),
        )
        session = session_key(self.agent.id, turn.account, turn.thread)
        completion = await self.endpoint.ask(self.http, messages, session)
        tokens = completion.prompt_tokens + completion.completion_tokens
        return _reply(completion.text, self.agent, f"{self.agent.id}/{self.endpoint.model}", tokens)

    async def reach(self) -> str:
        return await self.endpoint.reach(self.http)

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
        return _reply(answer, self.agent)

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
        reply = _reply(answer.text, self.agent)
        if reply is None and not answer.media and not answer.react:
            return None
        reply = reply or Reply("")
        return replace(reply, media=(*reply.media, *answer.media), react=answer.react)

    async def reach(self) -> str:
        """A program is not started: it might act."""
        await asyncio.to_thread(self.command.program.check, self.environ)
        return ""

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once


def _reply(raw: str, agent: AgentSettings, model: str = "", tokens: int = 0) -> Reply | None:
    answer = read_answer(raw)
    if answer is None:
        return None
    if len(answer.text) > LONGEST_REPLY:
        raise AgentMisconfigured(
            f"{agent.place}: the reply has {len(answer.text)} characters, at most {LONGEST_REPLY} are sent;"
            " ask for shorter ones in `instructions`"
        )
    author = agent.settings.identity.name or agent.name
    return Reply(answer.text, author, model, media=answer.media, tokens=tokens)


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
                return _AcpAgent(agent, await self.stack.enter_async_context(acp))
            case CommandBrain():
                once = not agent.settings.retry_interrupted
                command = Command(self._program(agent, agent.brain), agent.settings.timeout_seconds, once)
                return _CommandAgent(agent, command, self.environ)
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
        return _EndpointAgent(agent, endpoint, self.http)

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
    media: OutboundMedia | None = None,
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    With `media` their replies get the files that they ask for. Raises `AgentsUnusable` with everything that
    keeps them from running.
    """
    async with AsyncExitStack() as stack:
        opener = _Opener(stack, environ, folder, [])
        opened = {agent.id: await opener.open(agent) for agent in agents}
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        folders = {agent.id: own_folder(agent, folder) for agent in agents}
        yield Brains(opened, bindings, folders, media)


def own_folder(agent: AgentSettings, folder: Path) -> Path:
    """The folder that an agent works in, and whose files it may send: one in `folder`, or its `cwd`."""
    brain = agent.brain
    return Path(brain.cwd).expanduser() if isinstance(brain, ChildBrain) and brain.cwd else folder / agent.id
