"""Agents opened from a config: clients, programs, keys, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from clawlane.agents.acp import AcpAgent
from clawlane.agents.budget import Ledger
from clawlane.agents.child import Program
from clawlane.agents.child_agents import CodingAgent, CommandAgent
from clawlane.agents.command import Command
from clawlane.agents.contract import Agent
from clawlane.agents.echo import EchoAgent
from clawlane.agents.endpoint import Endpoint
from clawlane.agents.endpoint_agent import EndpointAgent
from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.agents.transcriber import SpeechModel, Transcriber
from clawlane.agents.webhook_agent import WebhookAgent
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
    Provider,
    SessionSettings,
    WebhookBrain,
)
from clawlane.config.errors import format_path
from clawlane.config.mcp import Mcp, McpServer
from clawlane.config.media_tools import AudioModel, AudioTools, audio_address
from clawlane.config.routing import AgentSettings
from clawlane.config.secrets import Secret, SecretMissing
from clawlane.webhook_sender import signing_key

if TYPE_CHECKING:
    from clawlane.agents.mcp_tools import McpServers
    from clawlane.agents.model import NamedModel
    from clawlane.agents.providers import ProviderAccess


@dataclass(frozen=True, slots=True)
class Shared:
    """What the agents of a config share. Without `media` nothing is attached to replies.

    `may_wait` says that a console takes answers that come later.
    """

    models: Models = field(default_factory=Models)
    session: SessionSettings = field(default_factory=SessionSettings)
    mcp: Mcp = field(default_factory=Mcp)
    audio: AudioTools = field(default_factory=AudioTools)
    media: OutboundMedia | None = None
    accounts: Sequence[Account] = ()
    may_wait: bool = False


@dataclass(slots=True)
class Opener:
    """Opens agents one by one and collects what is wrong with them.

    `stack` closes what is opened; `folder` holds a working folder for each agent that needs one.
    """

    stack: AsyncExitStack
    environ: Mapping[str, str]
    folder: Path
    shared: Shared
    problems: list[str] = field(default_factory=list)
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
                return CodingAgent(agent, await self.stack.enter_async_context(acp), self.shared.session)
            case CommandBrain():
                once = not agent.settings.retry_interrupted
                command = Command(self._program(agent, agent.brain), agent.settings.timeout_seconds, once)
                return CommandAgent(agent, command, self.environ, self.shared.session)
            case WebhookBrain():
                return await self._webhook(agent, agent.brain)
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
        self._check_prices(agent, models)
        folder = own_folder(agent, self.folder)
        tools = TurnTools(agent, self.servers, self._servers_of(agent), self.shared.media, folder)
        return ModelAgent(agent, models, Ledger(agent), self.shared.session, tools.of)

    def _check_prices(self, agent: AgentSettings, models: Sequence[NamedModel]) -> None:
        """A budget in money needs the price of every model."""
        for named in models if agent.settings.budget.usd_per_day is not None else ():
            if named.price is None:
                provider, _, model = named.name.partition("/")
                self.problems.append(
                    f"{agent.at('budget')}.usdPerDay: the price of {named.name} is not known; write it"
                    f" as models.providers.{provider}.prices['{model}']: {{ input: …, output: … }}"
                )

    def _servers_of(self, agent: AgentSettings) -> Mapping[str, McpServer]:
        return self.shared.mcp.servers_for(agent.settings.tools, self.shared.accounts)

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

        place, written = self._provider(name)
        return ProviderAccess(
            name,
            place,
            written.spoken(name),
            self._provider_key(name),
            written.base_url,
            self._read_all(written.headers, f"{place}.headers"),
            written.prices,
            partial(written.sees, name),
        )

    def _provider(self, name: str) -> tuple[str, Provider]:
        """Where a provider stands in the config, and what is written there."""
        place = format_path(("models", "providers", name))
        return place, self.shared.models.providers.get(name, Provider())

    def _provider_key(self, name: str) -> str:
        """The key of a provider: written, or its own if it is built in; empty for a server without keys."""
        place, written = self._provider(name)
        if written.api_key is not None:
            return self._read(written.api_key, f"{place}.apiKey")
        return self._own_key(name, f"{place}.apiKey") if written.base_url is None else ""

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
        headers = self._read_all(brain.headers, f"{agent.place}.headers")
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
        return EndpointAgent(agent, endpoint, http, Ledger(agent), brain.price, self.shared.session, theirs)

    async def _webhook(self, agent: AgentSettings, brain: WebhookBrain) -> Agent:
        secret, key = self._read(brain.secret, f"{agent.place}.secret"), b""
        try:
            key = signing_key(secret) if secret else b""
        except ValueError as error:
            self.problems.append(f"{agent.place}.secret: {error}")
        http, may_wait = await self._client(), self.shared.may_wait
        return WebhookAgent(agent, brain.url, key, http, self.shared.session, may_wait)

    async def transcriber(self) -> Transcriber | None:
        """What writes down voice messages; None if nothing is configured for it."""
        audio = self.shared.audio
        asked = [self._speech_model(number, one) for number, one in audio.chosen]
        if not asked:
            return None
        http = await self._client()
        return Transcriber(http, asked, audio.language, audio.max_bytes, audio.timeout_seconds)

    def _speech_model(self, number: int, one: AudioModel) -> SpeechModel:
        place = format_path(("tools", "media", "audio", "models", number))
        of_provider, provider = self._provider(one.provider)
        headers = self._read_all(provider.headers, f"{of_provider}.headers")
        key = ""
        if one.api_key is not None:
            key = self._read(one.api_key, f"{place}.apiKey")
        elif one.provider:
            key = self._provider_key(one.provider)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return SpeechModel(place, audio_address(one, self.shared.models), one.model, headers)

    async def _client(self) -> aiohttp.ClientSession:
        if self.http is None:
            jar = aiohttp.DummyCookieJar()  # what one server sets in one conversation says nothing in others
            self.http = await self.stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        return self.http

    def _program(self, agent: AgentSettings, brain: ChildBrain) -> Program:
        env = self._read_all(brain.env, f"{agent.place}.env")
        return Program(agent.place, brain.command, own_folder(agent, self.folder), env)

    def _read_all(self, secrets: Mapping[str, Secret], place: str) -> dict[str, str]:
        return {name: self._read(secret, f"{place}.{name}") for name, secret in secrets.items()}

    def _read(self, secret: Secret, place: str) -> str:
        try:
            return secret.read(self.environ)
        except SecretMissing as missing:
            self.problems.append(f"{place}: {missing}")
            return ""


def own_folder(agent: AgentSettings, folder: Path) -> Path:
    """The folder that an agent works in, and whose files it may send: one in `folder`, or its `cwd`."""
    brain = agent.brain
    return Path(brain.cwd).expanduser() if isinstance(brain, ChildBrain) and brain.cwd else folder / agent.id
