"""Agents without a channel: asking one from a terminal, and which of them answers where.

Both read the config and open the agents in this process, with a gateway or without one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clawlane.agents.errors import AgentError, AgentsUnusable, EmptyAnswer
from clawlane.config.errors import did_you_mean
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later, told

if TYPE_CHECKING:
    from clawlane.agents.brains import Brains
    from clawlane.config.agents import Binding
    from clawlane.config.load import Config
    from clawlane.config.routing import AgentSettings

TERMINAL = "terminal/default"
"""Stands for the account of a turn that came from no channel."""

_REACH_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Ask(Request["Answered"]):
    """Ask an agent, by default the one that answers where no binding says otherwise.

    It is told that `sender` writes a direct message. It has no memory and no tools.
    """

    text: str
    agent: str | None = None
    sender: str = "operator"


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer as people would get it, in markdown.

    `media` are the attachments that the agent asks for, as it wrote them: here nobody checks or fetches them.
    `react` is the icon that it reacts with. `model` may be unknown. `tokens` are those of all its requests,
    None if nobody counted them.
    """

    agent: str
    took_ms: int
    text: str = ""
    media: tuple[str, ...] = ()
    react: str = ""
    model: str = ""
    tokens: int | None = None

    @property
    def silent(self) -> bool:
        """Whether people would get nothing."""
        return not (self.text or self.media or self.react)


@dataclass(frozen=True, slots=True)
class ListAgents(Request["list[AgentInfo]"]):
    """Which agent answers where, and whether each can be reached: by a real request that nobody acts on."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a binding holds: a channel, an account (`*`: all of them), and one thread if it has an `id`."""

    channel: str
    account: str
    kind: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether an agent can be reached: `problems` say why not. `remark` is what should be known although."""

    ok: bool
    took_ms: int
    problems: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent. `what` is its model, address or program; `place` is where the config has its brain."""

    id: str
    kind: str
    what: str
    place: str
    default: bool
    bound: list[Bound]
    reached: Reached


@operation
async def ask(ctx: OpContext, request: Ask) -> Answered:
    """Raises `OpError`, `ConfigError` and `AgentsUnusable`. Cancelling it cancels the agent's work."""
    config = await asyncio.to_thread(ctx.written_config)
    agent = _named(config, request.agent)
    thread = Thread(ThreadKind.DM, request.sender)
    message = Inbound("default", "", thread, request.sender, "", request.text, ctx.now_ms())
    from clawlane.agents.contract import TurnInput

    async with _opened(ctx, config, agent) as opened:
        started = time.perf_counter()
        try:
            reply = await opened.run(TurnInput(TERMINAL, (message,)))
        except EmptyAnswer:
            reply = None
        except AgentError as error:
            raise OpError(told(error)) from error
    took_ms = _ms_since(started)
    if reply is None:
        return Answered(agent.id, took_ms)
    said = (reply.text, reply.media, reply.react)
    return Answered(agent.id, took_ms, *said, reply.model, reply.tokens or None)


@operation
async def agents(ctx: OpContext, request: ListAgents) -> list[AgentInfo]:  # noqa: ARG001
    """The default one first. Raises `ConfigError`."""
    config = await asyncio.to_thread(ctx.written_config)
    listed = sorted(config.agents, key=lambda one: one.id != config.routing.default)
    tried = await asyncio.gather(*(reach(ctx, config, agent) for agent in listed))
    return [
        AgentInfo(
            agent.id,
            agent.brain.kind,
            _what(agent),
            agent.place,
            agent.id == config.routing.default,
            [_bound(one, config) for one in config.routing.bindings if one.agent_id == agent.id],
            reached,
        )
        for agent, reached in zip(listed, tried, strict=True)
    ]


async def reach(ctx: OpContext, config: Config, agent: AgentSettings) -> Reached:
    """Open an agent and make a request that it does not act on."""
    started, remark = time.perf_counter(), ""
    problems: Sequence[str] = ()
    try:
        async with asyncio.timeout(_REACH_DEADLINE), _opened(ctx, config, agent, whole=True) as opened:
            remark = await opened.reach()
    except AgentsUnusable as error:
        problems = error.problems
    except AgentError as error:
        problems = (told(error),)
    except TimeoutError:
        problems = (
            later("{place}: no answer within {seconds:.0f} s", place=agent.place, seconds=_REACH_DEADLINE),
        )
    return Reached(not problems, _ms_since(started), tuple(problems), remark)


@asynccontextmanager
async def _opened(
    ctx: OpContext, config: Config, agent: AgentSettings, *, whole: bool = False
) -> AsyncIterator[Brains]:
    """One agent alone, so that what is wrong with another does not matter.

    It is `whole` with what only a channel needs: MCP servers, and what writes down voice messages.
    """
    from clawlane.agents.brains import brains
    from clawlane.agents.opening import Shared
    from clawlane.config.routing import Bindings

    root = config.root
    shared = Shared(
        root.models,
        root.session,
        accounts=[account for one in config.channels.values() for account in one.accounts],
    )
    if whole:
        shared = replace(shared, mcp=root.mcp, audio=root.tools.media.audio)
    alone, place = Bindings((), agent.id, {}), (ctx.environ, ctx.paths.agents_dir)
    async with brains((agent,), alone, *place, shared) as opened:
        yield opened


def _named(config: Config, name: str | None) -> AgentSettings:
    wanted = name or config.routing.default
    known = [agent.id for agent in config.agents]
    if wanted not in known:
        hint = did_you_mean(wanted, known) or later("the agents are: {names}", names=", ".join(known))
        raise OpError(later("there is no agent '{wanted}'", wanted=wanted), hint)
    return config.agents[known.index(wanted)]


def _what(agent: AgentSettings) -> str:
    """What answers, without its keys: neither a query nor the arguments of a program, which may hold some."""
    from clawlane.config.agents import AcpBrain, CommandBrain, EndpointBrain, ModelBrain, WebhookBrain

    match agent.brain:
        case EndpointBrain(url=url, model=model):
            parts = urlsplit(url)
            address = f"{parts.scheme}://{parts.netloc}{parts.path}"
            return later("{model} at {address}", model=model, address=address)
        case WebhookBrain(url=url):
            return urlsplit(url).netloc
        case ModelBrain() if agent.settings.model:
            return _in_turn(agent.settings.model.all)
        case AcpBrain(command=command) | CommandBrain(command=command):
            return command[0]
    return ""


def _in_turn(models: Sequence[str]) -> str:
    """The models in the order in which they are asked."""
    first, *rest = models
    return later("{first}, then {rest}", first=first, rest=_in_turn(rest)) if rest else first


def _bound(binding: Binding, config: Config) -> Bound:
    match = binding.match
    account = match.account_id or config.routing.default_accounts.get(match.channel, "default")
    if match.peer is None:
        return Bound(match.channel, account)
    kind = ThreadKind.GROUP if match.peer.kind == "group" else ThreadKind.DM
    return Bound(match.channel, account, kind, match.peer.id)


def _ms_since(started: float) -> int:
    return round(1000 * (time.perf_counter() - started))
