"""The end of a gateway by command: stopped, or begun again as the same process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from packages.clawlane.tests.test_gateway_process import ALICE, OPEN, Gateway, House

from clawlane.config.errors import ConfigError
from clawlane.config.paths import Paths
from clawlane.ops.client import ControlError, GatewayDown
from clawlane.ops.lifecycle import NotBack, Restarted, restart, stop
from clawlane.ops.operation import Caller
from clawlane.ops.process import GetProcess, Process, Restart
from clawlane.store.process_lock import is_held


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


async def restarted(gateway: Gateway) -> Restarted:
    return await asyncio.to_thread(restart, gateway.paths, Caller.CLI)


async def stopped(paths: Paths) -> Process | None:
    return await asyncio.to_thread(stop, paths, Caller.CLI)


async def test_a_restart_keeps_pid_and_arguments_and_answers_go_on(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        before = await gateway.call(GetProcess())

        done = await restarted(gateway)

        await gateway.says("ready")
        assert done.missing == []
        assert (done.process.pid, before.pid) == (gateway.process.pid, gateway.process.pid)
        assert done.process.started_ms > before.started_ms
        assert [(str(one), one.phase, one.user_name) for one in done.process.accounts] == [
            ("piped/default", "ready", "Bot")
        ]
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        assert await gateway.says("agent") == "a"
        assert await gateway.says("sending") == "echo: a"
        logged = await gateway.stop()
    assert "restarting" in logged
    assert "stopped for a restart" in logged


@pytest.mark.long
async def test_an_unanswered_turn_is_answered_after_the_restart(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway("hold-agent") as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        assert await gateway.says("agent") == "a"
        await restarted(gateway)
        told = [await gateway.line() for _ in range(2)]
        assert {"ready": True} in told
        assert {"agent": "a"} in told


async def test_a_restart_says_whom_an_edit_lets_in_that_waited(house: House) -> None:
    house.configure("{ gateway: { reload: 'ask' }, channels: { piped: { dmPolicy: 'allowlist' } } }")
    async with house.gateway() as gateway:
        await gateway.says("ready")
        house.configure("{ gateway: { reload: 'ask' }, channels: { piped: { dmPolicy: 'open' } } }")
        done = await restarted(gateway)
        await gateway.says("ready")
        logged = await gateway.stop()
    assert done.opens == ["piped/default: DMs: anybody is answered (was: ignored)"]
    assert "the restart widens access: piped/default: DMs: anybody is answered" in logged
    assert logged.count("gateway.reload is 'ask', but a start asks nobody") == 2


async def test_a_config_that_is_broken_is_refused_before_anything_stops(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        before = await gateway.call(GetProcess())
        house.configure("{ channels: { piped: { dmPolicy: 'everyone' } } }")

        with pytest.raises(ConfigError, match="dmPolicy"):
            await restarted(gateway)

        assert (await gateway.call(GetProcess())).started_ms == before.started_ms
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        assert await gateway.says("agent") == "a"


@pytest.mark.long
async def test_a_restart_says_which_account_did_not_come_back(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        house.configure("{ channels: { piped: { enabled: false } } }")
        done = await restarted(gateway)
        assert [(str(one), one.enabled) for one in done.missing] == [("piped/default", False)]


async def test_a_gateway_that_ends_while_it_begins_again_is_told_at_once(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        house.paths.store.rename(house.paths.store.with_suffix(".away"))
        with pytest.raises(NotBack, match="could not restart"):
            await restarted(gateway)
        await gateway.process.wait()


@pytest.mark.long
async def test_stopped_while_it_restarts_it_ends_for_good(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway("hold-send") as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.says("agent")
        await gateway.says("sending")  # its answer is waited for, so that the end takes its time
        await gateway.call(Restart())
        await gateway.logs("restarting")
        gateway.process.send_signal(signal.SIGTERM)
        await gateway.process.wait()
        assert gateway.process.returncode == 0
        assert not is_held(house.paths.lock_file)


async def test_a_stop_returns_when_the_process_has_ended(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        found = await stopped(house.paths)
        assert found
        assert found.pid == gateway.process.pid
        assert not is_held(house.paths.lock_file)
        assert await gateway.process.wait() == 0
        with pytest.raises(GatewayDown):
            await gateway.call(GetProcess())


async def test_where_nothing_runs_there_is_nothing_to_stop_or_restart(house: House) -> None:
    assert await stopped(house.paths) is None
    assert not house.paths.state.exists()
    with pytest.raises(GatewayDown):
        restart(house.paths, Caller.CLI)


async def test_a_process_that_holds_the_state_directory_without_listening_is_named(house: House) -> None:
    async with house.gateway() as gateway:
        await gateway.logs("started in")
        house.paths.control_socket.unlink()
        with pytest.raises(ControlError, match=rf"pid {gateway.process.pid}\) holds the state directory"):
            await stopped(house.paths)


async def test_systemd_is_told_of_a_restart_as_of_a_reload(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        house.configure(OPEN)
        async with house.gateway() as gateway:
            await gateway.says("ready")
            await restarted(gateway)
            await gateway.says("ready")
            await gateway.stop()
        told = [manager.recv(1024).decode().split("\n") for _ in range(4)]
    assert told[0] == ["READY=1"]
    assert told[1][0] == "RELOADING=1"
    assert int(told[1][1].removeprefix("MONOTONIC_USEC=")) > 0
    assert told[2:] == [["READY=1"], ["STOPPING=1"]]
    assert "NOTIFY_SOCKET" in os.environ
