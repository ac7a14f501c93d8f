"""Opens the agents of a config and keeps them open, each set in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from clawlane.agents.brains import Brains, brains
from clawlane.agents.contract import Agent
from clawlane.agents.errors import AgentsUnusable
from clawlane.agents.opening import Shared
from clawlane.agents.outbound_media import OutboundMedia
from clawlane.config.agents import EchoBrain
from clawlane.config.load import Config
from clawlane.config.paths import Paths

Opening = Callable[[Config], AbstractAsyncContextManager[Agent]]
_CLOSE = 10.0
"""Seconds. What stops the gateway waits longer."""

_STOPS = "they were not opened: the gateway stops"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenAgents:
    """The agents of a config. Setting `over` closes them."""

    agent: Agent
    over: asyncio.Event

    def close(self) -> None:
        self.over.set()


class AgentHost:
    """Opens the agents of one config after the other: the next before the last ones are closed."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], opening: Opening | None = None) -> None:
        """`opening` gives the agents of a config; without it they are those that the config names."""
        self._opening = opening or partial(brains_of, paths=paths, environ=environ)
        self._open: list[OpenAgents] = []
        self._tasks: dict[asyncio.Task[None], asyncio.Future[OpenAgents]] = {}
        self._closes = False

    async def open(self, config: Config) -> OpenAgents:
        """The agents of a config, open. Raises `AgentsUnusable`."""
        if self._closes:
            raise AgentsUnusable([_STOPS])
        opened: asyncio.Future[OpenAgents] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._serve(config, opened))
        self._tasks[task] = opened
        task.add_done_callback(self._ended)
        try:
            return await opened
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def close(self, within: float = _CLOSE) -> None:
        """Returns once all that were open are closed, or are cut off after `within` seconds.

        Agents that are being opened are not waited for: `open` raises `AgentsUnusable`.
        """
        self._closes = True
        for one in self._open:
            one.close()
        for task, opened in self._tasks.items():
            if not opened.done():
                task.cancel()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=within)
        for task in late:
            log.error("agents did not close within %.0f s; they are cut off", within)
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=within)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Whoever waits for the agents of a task that has ended early learns of it."""
        opened = self._tasks.pop(task)
        if not opened.done():
            opened.set_exception(AgentsUnusable([_STOPS]))

    async def _serve(self, config: Config, opened: asyncio.Future[OpenAgents]) -> None:
        """What opens the agents also closes them: some of their parts belong to one task."""
        try:
            async with self._opening(config) as agents:
                serving = OpenAgents(agents, asyncio.Event())
                self._open.append(serving)
                try:
                    opened.set_result(serving)
                    await serving.over.wait()
                finally:
                    self._open.remove(serving)
        except Exception as error:
            if opened.done():
                log.exception("agents that were replaced could not be closed")
            else:
                opened.set_exception(error)


@asynccontextmanager
async def hosting(paths: Paths, environ: Mapping[str, str]) -> AsyncIterator[AgentHost]:
    """A host of agents. Leaving closes those that are open."""
    host = AgentHost(paths, environ)
    try:
        yield host
    finally:
        await host.close()


@asynccontextmanager
async def brains_of(config: Config, paths: Paths, environ: Mapping[str, str]) -> AsyncIterator[Brains]:
    """The agents of a config, as long as this is entered. Raises `AgentsUnusable`."""
    root = config.root
    shared = Shared(
        root.models,
        root.session,
        root.mcp,
        root.tools.media.audio,
        OutboundMedia(paths.outgoing_dir),
        list(config.accounts),
        root.console.enabled,
    )
    async with brains(config.agents, config.routing, environ, paths.agents_dir, shared) as agents:
        for one in config.agents:
            if isinstance(one.brain, EchoBrain):
                log.warning("agent %s answers with an echo: configure `brain` or `model`", one.id)
            else:
                log.info("agent %s: %s (%s)", one.id, one.brain.kind, one.place)
        yield agents


def what_agents_depend_on(config: Config) -> tuple[object, ...]:
    """The parts of a config by which its agents are opened: they stay open while these stay the same."""
    root = config.root
    limits = [
        (str(one), key, entry.tools)
        for one in config.accounts
        for key, entry in (one.settings.groups or {}).items()
    ]
    default_accounts = sorted((name, block.default_account) for name, block in config.channels.items())
    return (
        root.agents,
        root.bindings,
        root.models,
        root.session,
        root.mcp,
        root.tools,
        root.console.enabled,
        limits,
        default_accounts,
    )
