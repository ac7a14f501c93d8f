"""The host of agents: what is open is closed at the end, and what is still being opened is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from clawlane.agents.contract import Agent
from clawlane.agents.echo import EchoAgent
from clawlane.agents.errors import AgentsUnusable
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.gateway.agent_host import AgentHost
from clawlane.plugins.registry import Registry


@dataclass
class Openings:
    """Agents whose opening and closing take as long as a test lets them."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_open: asyncio.Event = field(default_factory=asyncio.Event)
    may_close: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self, _config: Config) -> AsyncIterator[Agent]:
        self.begun.set()
        try:
            await self.may_open.wait()
        except asyncio.CancelledError:
            self.told.append("given up")
            raise
        self.told.append("open")
        try:
            yield EchoAgent()
            await self.may_close.wait()
        finally:
            self.told.append("closed")


@pytest.fixture
def config(paths: Paths) -> Config:
    return load(paths, Registry(paths), {})


async def test_a_stop_gives_up_what_is_being_opened(paths: Paths, config: Config) -> None:
    openings = Openings()
    host = AgentHost(paths, {}, openings)
    opening = asyncio.create_task(host.open(config))
    await openings.begun.wait()
    async with asyncio.timeout(5):
        await host.close()
        with pytest.raises(AgentsUnusable, match="the gateway stops"):
            await opening
    assert openings.told == ["given up"]


async def test_after_the_stop_nothing_is_opened(paths: Paths, config: Config) -> None:
    openings = Openings()
    host = AgentHost(paths, {}, openings)
    await host.close()
    with pytest.raises(AgentsUnusable, match="the gateway stops"):
        await host.open(config)
    assert not openings.begun.is_set()


async def test_agents_that_do_not_close_are_cut_off(paths: Paths, config: Config) -> None:
    openings = Openings()
    openings.may_open.set()
    host = AgentHost(paths, {}, openings)
    await host.open(config)
    async with asyncio.timeout(5):
        await host.close(within=0.01)
    assert openings.told == ["open", "closed"]


async def test_whoever_no_longer_wants_the_agents_leaves_none_open(paths: Paths, config: Config) -> None:
    openings = Openings()
    host = AgentHost(paths, {}, openings)
    opening = asyncio.create_task(host.open(config))
    await openings.begun.wait()
    opening.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await opening
        await host.close()
    assert openings.told == ["given up"]
