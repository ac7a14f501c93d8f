"""The control socket while a gateway begins: changes wait until every account is owned, questions do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from packages.clawlane.tests.test_ops_pause import LANE, House, Installed, Quiet

from clawlane import __version__
from clawlane.agents.echo import EchoAgent
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.control import Control, listening
from clawlane.lane.live_agents import LiveAgents
from clawlane.ops.client import OtherVersion, ask_gateway, choose_socket, gateway_runs
from clawlane.ops.operation import Caller
from clawlane.ops.pause import BeginPause
from clawlane.ops.unix_http import request
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


@asynccontextmanager
async def answering(paths: Paths, status: int, body: str, version: str) -> AsyncIterator[None]:
    """A gateway that answers everything alike. It names its version unless that is empty."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Version": version} if version else {})

    app = web.Application()
    app.router.add_post("/op/{name}", handler)
    async with listening(app, choose_socket(paths, {})):
        yield


@pytest.mark.parametrize(
    ("status", "body", "version", "told"),
    [
        (200, "{}", "", "the gateway runs an older version, this command is version {own}"),
        (200, "[]", "0.0.9", "the gateway runs version 0.0.9, this command is version {own}"),
        (200, "{}", __version__, "the gateway runs other code of version {own} than this command"),
        (404, "{}", "0.0.9", "the gateway runs version 0.0.9, this command is version {own}"),
        (422, "{}", "9.1", "the gateway runs version 9.1, this command is version {own}"),
    ],
)
async def test_an_answer_of_another_version_is_one_line_that_says_what_to_restart(
    tmp_path: Path, status: int, body: str, version: str, told: str
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    paths = Paths(tmp_path / "state", tmp_path / "config.json5")
    async with answering(paths, status, body, version):
        with pytest.raises(OtherVersion) as failed:
            await asyncio.to_thread(ask_gateway, paths, BeginPause(), Caller.CLI)
    assert str(failed.value) == told.format(own=__version__)
    assert failed.value.help == "openclaw gateway restart"


@pytest.mark.parametrize(
    ("name", "body", "status"), [("pause.none", b"{}", 404), ("pause.pause", b'{"level": "loud"}', 422)]
)
async def test_a_gateway_names_its_version_to_whoever_asks_what_it_does_not_know(
    tmp_path: Path, name: str, body: bytes, status: int
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    house = House(Paths(tmp_path / "state", tmp_path / "config.json5"))
    path = choose_socket(house.paths, {})
    async with house.gateway() as accounts, listening(Control(accounts).app(), path):
        asked = partial(request, path, "POST", f"/op/{name}", body, {}, 10.0)
        connection, response = await asyncio.to_thread(asked)
        with closing(connection):
            assert (response.status, response.field("version")) == (status, __version__)
