"""Agents at work: what the config says of a brain, turned into something that answers turns."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from clawlane.agents.acp import AcpAgent
from clawlane.agents.answer import read_answer
from clawlane.agents.child import Program
from clawlane.agents.command import Command
from clawlane.agents.contract import Agent, AsksOnce, Attached, FileUse, TurnInput, UsesFiles
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import ChatMessage, Completion, Endpoint, ImagesRefused
from clawlane.agents.errors import AgentFailed, AgentInterrupted, AgentMisconfigured, AgentsUnusable
from clawlane.agents.inbound_media import Pictures, images
from clawlane.agents.prompt import instructions, user_prompt
from clawlane.agents.transcriber import SpeechModel, Transcriber
from clawlane.config.agents import (
    AcpBrain,
    ChildBrain,
    CommandBrain,
    EchoBrain,
    EndpointBrain,
    Memory,
    ModelBrain,
    Models,
    Provider,
)
from clawlane.config.errors import format_path
from clawlane.config.media_tools import AudioModel, AudioTools, audio_address
from clawlane.config.routing import AgentSettings, Bindings, session_key
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.messages import Quote, Reply, Thread

LONGEST_REPLY = 40_000
"""Characters: twenty messages of Zalo's length."""

_OWN_KEY = Secret(env="OPENAI_API_KEY")
_NO_MODELS, _NO_AUDIO = Models(), AudioTools()
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _EndpointAgent:
    agent: AgentSettings
    endpoint: Endpoint
    http: aiohttp.ClientSession

    async def run(self, turn: TurnInput) -> Reply | None:
        pictures = await images(turn)
        try:
            completion = await self._ask(turn, pictures)
        except ImagesRefused:
            log.warning("%s: the model takes no pictures; write `images: false`", self.agent.place)
            completion = await self._ask(turn, pictures.refused())
        return _reply(completion.text, self.agent, f"{self.agent.id}/{self.endpoint.model}")

    async def _ask(self, turn: TurnInput, pictures: Pictures) -> Completion:
        settings = self.agent.settings
        prompt = user_prompt(turn, settings.max_input_chars, pictures.notes)
        messages = (
            ChatMessage("system", instructions(settings.instructions)),
            ChatMessage("user", prompt, [one.url for one in pictures.shown]),
        )
        session = session_key(self.agent.id, turn.account, turn.thread)
        return await self.endpoint.ask(self.http, messages, session)

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        brain = self.agent.brain
        sees = isinstance(brain, EndpointBrain) and brain.images
        return FileUse.PICTURES if sees else FileUse.NOTHING

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.endpoint.once


@dataclass(frozen=True, slots=True)
class _AcpAgent:
    agent: AgentSettings
    acp: AcpAgent

    async def run(self, turn: TurnInput) -> Reply | None:
        settings = self.agent.settings
        session = session_key(self.agent.id, turn.account, turn.thread)
        notes = {file.path: f"at {file.path}" for file in turn.files}
        prompt = user_prompt(turn, settings.max_input_chars, notes)
        try:
            answer = await self.acp.ask(session, prompt, first=instructions(settings.instructions))
        except AgentInterrupted as interrupted:
            if settings.retry_interrupted:
                raise AgentFailed(str(interrupted)) from None
            raise
        return _reply(answer, self.agent)

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return not self.agent.settings.retry_interrupted

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


@dataclass(frozen=True, slots=True)
class _CommandAgent:
    agent: AgentSettings
    command: Command
    environ: Mapping[str, str]

    async def run(self, turn: TurnInput) -> Reply | None:
        answer = await self.command.ask(command_input(turn, self.agent), self.environ)
        if answer.media or answer.react:
            raise AgentMisconfigured(
                f"{self.agent.place}: this version sends no attachments and no reactions; answer with text"
            )
        return _reply(answer.text, self.agent)

    def asks_once(self, _account: str, _thread: Thread) -> bool:
        return self.command.once

    def file_use(self, _account: str, _thread: Thread) -> FileUse:
        return FileUse.ALL


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


def command_input(turn: TurnInput, agent: AgentSettings) -> dict[str, Any]:
    """What a program is told of a turn, as plain values."""
    message = turn.message
    attached = turn.attached or [Attached(one, 0, number) for number, one in enumerate(message.attachments)]
    return {
        "message": message.text[: agent.settings.max_input_chars],
        "history": [
            _history_entry(one.sender_id, one.sender_name, one.text, one.sent_ms) for one in turn.history
        ],
        "quote": _quote(message.quote, attached),
        "attachments": [_attachment(one) for one in attached if one.number is not None],
        "thread": {"kind": str(turn.thread.kind), "id": turn.thread.id},
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "account": turn.account,
        "session": session_key(agent.id, turn.account, turn.thread),
        "sent_ms": message.sent_ms,
        "message_ids": [one.message_id for one in turn.messages],
    }


def _history_entry(sender_id: str, name: str, text: str, sent_ms: int) -> dict[str, Any]:
    return {"sender": {"id": sender_id, "name": name}, "text": text, "sent_ms": sent_ms}


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
        self, agents: Mapping[str, Agent], bindings: Bindings, transcriber: Transcriber | None = None
    ) -> None:
        self._agents = agents
        self._bindings = bindings
        self._transcriber = transcriber

    async def run(self, turn: TurnInput) -> Reply | None:
        if self._transcriber is not None:
            turn = await self._transcriber.transcribed(turn)
        return await self._agent(turn.account, turn.thread).run(turn)

    def asks_once(self, account: str, thread: Thread) -> bool:
        agent = self._agent(account, thread)
        return isinstance(agent, AsksOnce) and agent.asks_once(account, thread)

    def file_use(self, account: str, thread: Thread) -> FileUse:
        agent = self._agent(account, thread)
        if not isinstance(agent, UsesFiles):
            return FileUse.NOTHING
        return agent.file_use(account, thread) | (FileUse.SOUND if self._transcriber else FileUse.NOTHING)

    def _agent(self, account: str, thread: Thread) -> Agent:
        channel, _, name = account.partition("/")
        return self._agents[self._bindings.agent(channel, name, thread)]


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
        return _EndpointAgent(agent, endpoint, http)

    async def transcriber(self, audio: AudioTools, models: Models) -> Transcriber | None:
        """What writes down voice messages; None if nothing is configured for it."""
        asked = [self._speech_model(place, one, models) for place, one in audio.chosen]
        if not asked:
            return None
        http = await self._client()
        return Transcriber(http, asked, audio.language, audio.max_bytes, audio.timeout_seconds)

    def _speech_model(self, number: int, one: AudioModel, models: Models) -> SpeechModel:
        place = format_path(("tools", "media", "audio", "models", number))
        provider = models.providers.get(one.provider, Provider())
        of_provider = format_path(("models", "providers", one.provider))
        headers = {
            name: self._read(secret, f"{of_provider}.headers.{name}")
            for name, secret in provider.headers.items()
        }
        if one.api_key is not None:
            headers["Authorization"] = f"Bearer {self._read(one.api_key, f'{place}.apiKey')}"
        elif key := provider.api_key or (_OWN_KEY if one.provider and provider.base_url is None else None):
            headers["Authorization"] = f"Bearer {self._read(key, f'{of_provider}.apiKey')}"
        return SpeechModel(place, audio_address(one, models), one.model, headers)

    async def _client(self) -> aiohttp.ClientSession:
        if self.http is None:
            self.http = await self.stack.enter_async_context(aiohttp.ClientSession())
        return self.http

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
    models: Models = _NO_MODELS,
    audio: AudioTools = _NO_AUDIO,
) -> AsyncIterator[Brains]:
    """The agents, as long as this is entered. `folder` holds a working folder for each that needs one.

    `audio` says how voice messages become text. Raises `AgentsUnusable` with everything that keeps the agents
    from running.
    """
    async with AsyncExitStack() as stack:
        opener = _Opener(stack, environ, folder, [])
        opened = {agent.id: await opener.open(agent) for agent in agents}
        transcriber = await opener.transcriber(audio, models)
        if opener.problems:
            raise AgentsUnusable(opener.problems)
        yield Brains(opened, bindings, transcriber)
