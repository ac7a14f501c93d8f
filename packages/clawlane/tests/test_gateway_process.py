"""The gateway as a process: what it says, what it survives, and what commands get out of it."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.config.paths import Paths
from clawlane.credentials.profile import Consent
from clawlane.ops.client import ControlError, GatewayDown, ask_gateway, gateway_runs
from clawlane.ops.operation import Caller, Request, plain
from clawlane.ops.pairing import Approve, Requests
from clawlane.ops.pause import BeginPause, EndPause
from clawlane.ops.running import Start, Stop
from clawlane.ops.status import GetStatus
from end_to_end.forked_streams import Streamed

R = TypeVar("R")
SCRIPT = Path(__file__).with_name("piped_gateway.py")
ALICE = "1471383327500481391"


@dataclass
class Gateway:
    """A running gateway and the commands to it."""

    process: Streamed
    paths: Paths

    async def tell(self, **fields: Any) -> None:
        self.process.stdin.write(json.dumps(fields).encode() + b"\n")
        await self.process.stdin.drain()

    async def line(self) -> dict[str, Any]:
        """The next line of output."""
        line = await self.process.stdout.readline()
        assert line, "the gateway ended"
        told: dict[str, Any] = json.loads(line)
        return told

    async def says(self, key: str) -> Any:
        """The value of the next line of output, which must have this key."""
        return (await self.line())[key]

    async def logs(self, text: str) -> None:
        """Once a line on stderr holds this text."""
        while line := await self.process.stderr.readline():
            if text in line.decode():
                return
        raise AssertionError(f"the gateway ended without logging {text!r}")

    async def call(self, request: Request[R]) -> R:
        return await asyncio.to_thread(ask_gateway, self.paths, request, Caller.CLI)

    async def account(self) -> dict[str, Any]:
        found = await self.call(GetStatus())
        account: dict[str, Any] = plain(found.channels["piped"].accounts["default"])
        return account

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> str:
        """SIGTERM; gives what was logged on stderr."""
        self.process.send_signal(signal.SIGTERM)
        _, logged = await self.process.communicate()
        assert self.process.returncode == 0
        return logged.decode()


@dataclass
class House:
    """A state directory in which gateways are started."""

    paths: Paths

    def configure(self, text: str) -> None:
        self.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.paths.config_file.write_text(text)

    @asynccontextmanager
    async def gateway(self, *arguments: str) -> AsyncIterator[Gateway]:
        ours = {
            "CLAWLANE_STATE_DIR": str(self.paths.state),
            "CLAWLANE_CONFIG": str(self.paths.config_file),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        process = await Streamed.start([sys.executable, str(SCRIPT), *arguments], {**kept, **ours})
        try:
            yield Gateway(process, self.paths)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


OPEN = "{ channels: { piped: { dmPolicy: 'open' } } }"


async def test_a_stranger_is_paired_and_answered(house: House) -> None:
    house.configure("{ channels: { piped: {} } }")
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(say="xin chào", id="m1", **{"from": ALICE})
        challenge = await gateway.says("sending")
        [request] = await gateway.call(Requests("piped"))
        assert request.code in challenge
        assert (request.account, request.sender_id) == ("piped/default", ALICE)
        approved = await gateway.call(Approve("piped", request.code.lower()))
        assert approved.approved.sender_id == ALICE
        await gateway.tell(say="xin chào nữa", id="m2", **{"from": ALICE})
        assert await gateway.says("agent") == "xin chào nữa"
        assert await gateway.says("sending") == "echo: xin chào nữa"
        with pytest.raises(ControlError, match="was used before"):
            await gateway.call(Approve("piped", request.code))
        await gateway.stop()


async def test_an_approval_holds_after_a_restart(house: House) -> None:
    house.configure("{ channels: { piped: {} } }")
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.says("sending")
        [request] = await gateway.call(Requests("piped"))
        await gateway.call(Approve("piped", request.code, "default"))
        await gateway.stop()
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(say="b", id="m2", **{"from": ALICE})
        assert await gateway.says("agent") == "b"


async def test_killed_between_commit_and_answer_a_turn_runs_once_after_the_restart(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway("hold-agent") as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.says("agent")
        await gateway.kill()
    async with house.gateway() as gateway:
        told = [await gateway.line() for _ in range(3)]
        assert {"ready": True} in told
        assert {"agent": "a"} in told
        assert [line["sending"] for line in told if "sending" in line] == ["echo: a"]
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.tell(say="b", id="m2", **{"from": ALICE})
        assert await gateway.says("agent") == "b", "the first message is known and not answered again"


@pytest.mark.long
async def test_told_to_stop_a_turn_whose_agent_does_not_come_back_is_parked(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway("hold-agent") as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.says("agent")
        assert "cut off" not in await gateway.stop()
    async with house.gateway() as gateway:
        told = [await gateway.line() for _ in range(3)]
        assert {"agent": "a"} in told
        assert [line["sending"] for line in told if "sending" in line] == ["echo: a"]


async def test_killed_between_sending_and_the_answer_a_chunk_is_held(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway("hold-send") as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.says("agent")
        await gateway.says("sending")
        await gateway.kill()
    async with house.gateway() as gateway:
        await gateway.says("ready")
        assert (await gateway.account())["outbox"] == {"queued": 0, "unknown": 1}
        await gateway.tell(say="b", id="m2", **{"from": ALICE})
        assert await gateway.says("agent") == "b"
        assert await gateway.says("sending") == "echo: b"


async def test_the_start_says_who_may_write_and_what_is_wrong(house: House) -> None:
    house.configure(
        "{ channels: { defaults: { groupPolicy: 'open' },\n"
        "  piped: { dmPolicy: 'open', allowFrom: ['Alice', '42'] } } }"
    )
    async with house.gateway() as gateway:
        await gateway.says("ready")
        account = await gateway.account()
        logged = await gateway.stop()
    assert "piped/default: dmPolicy is open (channels.piped.dmPolicy, line 2)" in logged
    assert "piped/default: groupPolicy is open (channels.defaults.groupPolicy, line 1)" in logged
    assert (
        "critical: channels.piped.dmPolicy (line 2): 'open' lets anybody write directly; write 'pairing'"
        in logged
    )
    assert (
        "critical: channels.defaults.groupPolicy (line 1): 'open' lets every group call the agent" in logged
    )
    assert account["dm_policy"] == {
        "value": "open",
        "origin": "channel",
        "path": "channels.piped.dmPolicy",
        "line": 2,
    }
    assert [(one["severity"], one["code"], one["path"], one["line"]) for one in account["findings"]] == [
        ("critical", "dm_open", "channels.piped.dmPolicy", 2),
        ("critical", "groups_open", "channels.defaults.groupPolicy", 1),
        ("warning", "name_waiting", "channels.piped.allowFrom", 2),
    ]


async def test_status_tells_how_an_account_is(house: House) -> None:
    house.configure("{ channels: { piped: { dmPolicy: 'disabled', name: 'Lane' } } }")
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.logs("dm_disabled")
        await gateway.tell(phase="needs_login")
        account = await phase(gateway, "needs_login")
        assert account["counters"] == {"dm_disabled": 1}
        assert (account["reason"], account["help"]) == ("as told", "openclaw something")
        assert (account["auth"], account["inbound"], account["linked"]) == ("ok", "ok", False)
        assert account["last_inbound_ms"]
        status = await gateway.call(GetStatus(probe=True))
        probe = status.channels["piped"].accounts["default"].probe
        assert probe
        assert probe.ok
        assert status.gateway
        assert status.gateway.pid == gateway.process.pid


async def test_accounts_are_stopped_and_started_by_command(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        assert (await gateway.call(Stop("piped"))).phase == "stopped"
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.call(Start("piped", "default"))
        await gateway.says("ready")
        assert await gateway.says("agent") == "a"
        with pytest.raises(ControlError, match="has no piped/other"):
            await gateway.call(Start("piped", "other"))
        with pytest.raises(ControlError, match="has no nothing"):
            await gateway.call(Stop("nothing"))


async def test_a_channel_that_breaks_is_started_again(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(crash=True)
        await gateway.says("ready")
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        assert await gateway.says("agent") == "a"


async def test_while_the_disk_is_full_messages_wait_and_none_is_lost(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (8192, limits[1]))
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.tell(say="b", id="m2", **{"from": ALICE})
        await gateway.logs("the store could not be written")
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, limits)
        told = [await gateway.line() for _ in range(4)]
        assert [line["sending"] for line in told if "sending" in line] == ["echo: a", "echo: b"]


async def test_a_pause_holds_on_a_full_disk_and_says_that_a_restart_would_forget_it(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        limits = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (8192, limits[1]))
        with pytest.raises(ControlError, match="piped/default is paused, but a restart would forget it: "):
            await gateway.call(BeginPause())
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, limits)
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        await gateway.logs(f"admit {ALICE}")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gateway.line(), 0.5)
        [ended] = (await gateway.call(EndPause())).resumed
        assert (ended.was, ended.still) == (None, [])
        assert await gateway.says("agent") == "a"
        assert await gateway.says("sending") == "echo: a"


async def test_an_account_that_another_gateway_took_over_stops(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        usurper = sqlite3.connect(house.paths.store)
        usurper.execute("UPDATE owners SET epoch = epoch + 1")
        usurper.commit()
        usurper.close()
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        account = await phase(gateway, "gave_up")
        assert account["reason"] == "another gateway runs this account now"


LOGIN = "openclaw channels login --channel piped"


async def test_without_an_accepted_risk_and_a_session_an_account_does_not_run(house: House) -> None:
    house.configure(OPEN)
    paths = house.paths
    async with house.gateway("gated") as gateway:
        account = await phase(gateway, "needs_consent")
        assert account["help"] == LOGIN
        profiles_in(paths).accept(Consent("piped", "default", 1, "", "yes", "terminal"))
        await gateway.call(Start("piped"))
        account = await phase(gateway, "needs_login")
        assert account["help"] == LOGIN
        profiles_in(paths).vault("piped", "default").replace(b"secret", ("100", "Bot"))
        await gateway.call(Start("piped"))
        await gateway.says("ready")
        account = await gateway.account()
        assert account["identity"] == {"id": "100", "name": "Bot"}
        assert account["consent"]["expendable"] == "yes"


async def test_a_risk_that_somebody_else_accepted_does_not_count(house: House) -> None:
    house.configure(OPEN)
    profiles_in(house.paths).accept(Consent("piped", "default", 1, "7", "yes", "terminal"))
    profiles_in(house.paths).vault("piped", "default").replace(b"secret", ("100", "Bot"))
    async with house.gateway("gated") as gateway:
        await phase(gateway, "needs_consent")


async def test_a_damaged_session_is_told_and_not_used(house: House) -> None:
    house.configure(OPEN)
    profiles_in(house.paths).accept(Consent("piped", "default", 1, "100", "yes", "terminal"))
    profiles_in(house.paths).vault("piped", "default").replace(b"secret", ("100", "Bot"))
    (house.paths.vault_dir / "key").write_bytes(bytes(32))
    async with house.gateway("gated") as gateway:
        account = await phase(gateway, "needs_login")
        assert account["help"] == f"{LOGIN} --force"


async def phase(gateway: Gateway, wanted: str) -> dict[str, Any]:
    """The account's status once it is in this phase."""
    await gateway.logs(f"piped/default is {wanted}")
    account = await gateway.account()
    assert account["phase"] == wanted
    return account


async def test_a_gateway_without_channels_runs(house: House) -> None:
    async with house.gateway() as gateway:
        await gateway.logs("started in")
        status = await gateway.call(GetStatus())
        assert status.channels == {}
        await gateway.stop()
    assert not gateway_runs(house.paths)
    with pytest.raises(GatewayDown, match="the gateway is not running"):
        ask_gateway(house.paths, GetStatus(), Caller.CLI)


async def test_a_second_gateway_is_refused_with_the_owners_pid(house: House) -> None:
    async with house.gateway() as first, house.gateway() as second:
        pids = {first.process.pid, second.process.pid}
        ended = [
            asyncio.create_task(one.process.wait(), name=str(one.process.pid)) for one in (first, second)
        ]
        [loser], _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        assert loser.result() == 1
        winner = (pids - {int(loser.get_name())}).pop()
        process = first.process if first.process.pid != winner else second.process
        assert f"pid {winner}" in (await process.stderr.read()).decode()


async def test_a_state_directory_with_a_long_path_has_a_socket_too(tmp_path: Path) -> None:
    house = House(Paths(tmp_path / ("long" * 30) / "state", tmp_path / "config.json5"))
    assert not gateway_runs(house.paths)
    async with house.gateway() as gateway:
        await gateway.logs("started in")
        assert await asyncio.to_thread(gateway_runs, house.paths)
        await gateway.stop()


async def test_files_are_private_and_secrets_stay_out_of_the_log(house: House) -> None:
    house.configure(OPEN)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        assert house.paths.control_socket.stat().st_mode & 0o777 == 0o600
        await gateway.stop()
    assert not house.paths.control_socket.exists()
    log = house.paths.log_dir / "gateway.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert all(json.loads(line)["message"] for line in log.read_text().splitlines())
