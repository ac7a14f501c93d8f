"""The control socket while a gateway begins: changes wait until every account is owned, questions do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from packages.clawlane.tests.test_ops_pause import LANE, House, Installed, Quiet

from clawlane.agents.echo import EchoAgent
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.control import Control, listening
from clawlane.lane.live_agents import LiveAgents
from clawlane.ops.client import ask_gateway, choose_socket, gateway_runs
from clawlane.ops.operation import Caller
from clawlane.ops.pause import BeginPause
from clawlane.store.database import open_store


async def test_a_change_that_is_asked_for_early_waits_until_the_accounts_are_there(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    house = House(Paths(tmp_path / "state", tmp_path / "config.json5"))
    config = load(house.paths, Installed(house.paths), {})
    async with (
        open_store(house.paths.store, house.paths.lock_file, house.now_ms) as store,
        asyncio.TaskGroup() as group,
    ):
        channels = {"zalouser": Quiet()}
        accounts = Accounts(config, house.paths, store, channels, LiveAgents(EchoAgent()), house.now_ms, {})  # type: ignore[arg-type]
        async with listening(Control(accounts).app(), choose_socket(house.paths, {})):
            asking = asyncio.create_task(
                asyncio.to_thread(ask_gateway, house.paths, BeginPause(), Caller.CLI)
            )
            assert await asyncio.to_thread(gateway_runs, house.paths)
            assert not asking.done()
            running = group.create_task(accounts.run())
            told = await asking
            assert (told.running, [one.account for one in told.paused]) == (True, [LANE])
            assert [str(one) for one in accounts.supervisors[LANE].pauses] == [LANE]
            running.cancel()
    assert [one.account for one in await house.stored()] == [LANE]


def test_a_runtime_folder_that_is_too_long_for_a_socket_is_passed_over(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir(mode=0o700)
    paths = Paths(long / "state", long / "config.json5")
    paths.state.mkdir(mode=0o700)
    chosen = choose_socket(paths, {"XDG_RUNTIME_DIR": str(long)})
    assert len(str(chosen)) <= 100
    assert not chosen.is_relative_to(long)
