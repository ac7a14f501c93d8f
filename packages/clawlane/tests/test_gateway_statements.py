"""How much a database is asked when a gateway begins to run an account: hundreds may start at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from packages.clawlane.tests import postgres_server
from packages.clawlane.tests.opened_store import POSTGRES, Clock, store_in
from packages.clawlane.tests.test_ops_pause import LANE, Installed, Quiet

from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host, Phase, State
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Person, ThreadKind

MOST = 60
"""What a start and a stop ask; 50 in November 2026."""

BORDERS = ("BEGIN", "COMMIT", "ROLLBACK")
HOLDS = "FOR SHARE OF owners"
"""How a transaction makes sure of its right to write. How many there are depends on what comes together."""


class Reading(Quiet):
    """A channel that catches up and lists friends, as each connection does."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    async def run(self, account: Account, host: Host) -> None:
        host.report(State(Phase.CONNECTING, user_id="1"))
        for kind in ThreadKind:
            await host.cursor(kind)
        await host.keep_peers([Person("11", "Lan")])
        host.report(State(Phase.READY, user_id="1"))
        for kind in ThreadKind:
            await host.caught_up(kind, 0)
        self.connected.set()
        await asyncio.Event().wait()


async def run_once(paths: Paths, clock: Clock) -> None:
    """A gateway from its start until its account has connected, and its stop."""
    config, channel = load(paths, Installed(paths), {}), Reading()
    async with store_in(paths.state, clock) as store, asyncio.TaskGroup() as group:
        accounts = Accounts(config, paths, store, {"zalouser": channel}, LiveAgents(EchoAgent()), clock, {})
        task = group.create_task(accounts.run())
        await channel.connected.wait()
        await accounts.stop()
        task.cancel()


@pytest.mark.parametrize("engine", [POSTGRES], indirect=True)
async def test_an_account_starts_and_stops_with_few_statements(tmp_path: Path, clock: Clock) -> None:
    paths = Paths(tmp_path, tmp_path / "config.json5")
    paths.config_file.write_text("{ channels: { zalouser: { dmPolicy: 'open' } } }")
    await run_once(paths, clock)
    with postgres_server.server().statements(tmp_path) as asked:
        async with store_in(tmp_path, clock):
            pass
        opening = len(asked())
        await run_once(paths, clock)
        found = [one for one in asked()[2 * opening :] if not one.startswith(BORDERS) and HOLDS not in one]
    assert any(LANE in one for one in found)
    assert len(found) <= MOST, "\n".join(found)
