"""An account over its life: a stop that lets an answer be finished, and starting again after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in

from clawlane.access.in_force import Rules
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import Account, Host, Phase, State, StateCode
from clawlane.config.choices import DmPolicy
from clawlane.config.paths import Paths
from clawlane.config.settings import ChannelSettings
from clawlane.credentials.files import file_name
from clawlane.gateway.supervisor import Supervisor
from clawlane.lane.account_deps import AccountDeps
from clawlane.lane.gate import Gate
from clawlane.lane.live_agents import LiveAgents
from clawlane.lane.live_settings import LaneSettings, LiveSettings
from clawlane.messages import Inbound, Outgoing, Receipt, Reply, Text, Thread, ThreadKind
from clawlane.store.database import open_store
from clawlane.store.errors import StoreFailed

NOW = 1_700_000_000_000
ALICE = Thread(ThreadKind.DM, "11")


class Wire:
    """A channel that brings one message, or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def run(self, account: Account, host: Host) -> None:
        if self.error is not None:
            raise self.error
        host.report(State(Phase.READY, user_id="1"))
        await host.admit(Inbound(account.id, "m1", ALICE, "11", "Alice", "hello", NOW))
        await asyncio.Event().wait()

    async def send(self, account: Account, out: Outgoing) -> Receipt:
        return Receipt(("r1",))

    async def signal(self, account: Account, signal: object) -> None:
        """Nobody looks."""

    def plan(self, account: Account, thread: Thread, reply: Reply) -> list[Outgoing]:
        return [Text(thread, reply.text)]


@dataclass
class Slow:
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    allowed: asyncio.Event = field(default_factory=asyncio.Event)
    finished: bool = False

    async def run(self, turn: TurnInput) -> Reply | None:
        self.begun.set()
        await self.allowed.wait()
        self.finished = True
        return Reply("hi")


async def at_once() -> None:
    """Messages can be decided."""


async def no_names() -> None:
    """There is nothing to look up."""


@asynccontextmanager
async def supervised(
    folder: Path,
    wire: Wire,
    agent: object,
    report: Callable[[State], None] = lambda state: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    pin: Callable[[], Coroutine[None, None, None]] = no_names,
    now_ms: Callable[[], int] = lambda: NOW,
) -> AsyncIterator[Supervisor]:
    account = Account("wire", "default", "default", ChannelSettings())
    parts = AccountDeps(
        settings=LiveSettings(LaneSettings(account, Rules(AccessPolicy(dm=DmPolicy.OPEN)))),
        channel=wire,  # type: ignore[arg-type]
        agents=LiveAgents(agent),  # type: ignore[arg-type]
        gate=Gate(account, wire),  # type: ignore[arg-type]
        grants=Grants,
        ready=at_once,
        slots=asyncio.Semaphore(1),
        now_ms=now_ms,
        jitter=lambda: 0.0,
        report=report,
        pin=pin,
        sleep=sleep,
    )
    async with (
        open_store(folder / "store.sqlite", folder / "lock", lambda: NOW) as store,
        asyncio.TaskGroup() as group,
    ):
        supervisor = Supervisor(parts, store, profiles_in(Paths(folder, folder / "config.json5")))
        task = group.create_task(supervisor.run())
        supervisor.start()
        yield supervisor
        task.cancel()


async def test_a_stop_waits_for_the_answer_that_is_being_made(tmp_path: Path) -> None:
    agent = Slow()
    async with supervised(tmp_path, Wire(), agent) as supervisor:
        await agent.begun.wait()
        stopping = asyncio.create_task(supervisor.stop())
        for _ in range(50):  # turns of the loop, enough for a cancellation to reach the agent
            await asyncio.sleep(0)
        agent.allowed.set()
        await stopping
        assert agent.finished
        assert supervisor.state.phase is Phase.STOPPED


class Crashes:
    """What is told about an account that crashes, and how long it waits each time."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.over = asyncio.Event()
        self.seen: list[State] = []

    def report(self, state: State) -> None:
        self.seen.append(state)
        if state.phase is Phase.FAILED:
            self.over.set()

    async def sleep(self, seconds: float) -> None:
        if seconds > 3000:  # the hourly pruning
            await asyncio.Event().wait()
        self.waits.append(seconds)
        await asyncio.sleep(0)


async def test_the_waits_between_crashes_grow_until_it_gives_up(tmp_path: Path) -> None:
    crashes = Crashes()
    wire = Wire(RuntimeError("broken"))
    async with supervised(tmp_path, wire, Slow(), crashes.report, crashes.sleep):
        await crashes.over.wait()
    grown = [wait for wait in crashes.waits if wait >= 1 and wait != 5.0]
    assert grown == [1, 2, 4, 8, 16, 32, 64, 128, 256]


class StableOnce(Wire):
    """Breaks at once, but for its ninth run, which lasts longer than five minutes."""

    def __init__(self) -> None:
        super().__init__(RuntimeError("broken"))
        self.runs = 0
        self.now_ms = NOW

    async def run(self, account: Account, host: Host) -> None:
        self.runs += 1
        if self.runs == 9:
            self.now_ms += 301_000
        await super().run(account, host)


async def test_after_a_stable_run_crashes_are_counted_anew(tmp_path: Path) -> None:
    crashes, wire = Crashes(), StableOnce()
    async with supervised(tmp_path, wire, Slow(), crashes.report, crashes.sleep, now_ms=lambda: wire.now_ms):
        await crashes.over.wait()
    grown = [wait for wait in crashes.waits if wait >= 1 and wait != 5.0]
    assert grown == [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert wire.runs == 18


async def test_every_state_of_an_account_that_crashes_has_a_code(tmp_path: Path) -> None:
    crashes = Crashes()
    async with supervised(tmp_path, Wire(RuntimeError("broken")), Slow(), crashes.report, crashes.sleep):
        await crashes.over.wait()
    codes = {one.phase: one.code for one in crashes.seen}
    assert codes[Phase.STARTING] == StateCode.STARTING
    assert codes[Phase.DEGRADED] == StateCode.CRASHED
    assert codes[Phase.FAILED] == StateCode.CRASHED_REPEATEDLY


@pytest.mark.parametrize("error", [StoreFailed("disk full"), ValueError("odd")])
async def test_what_fails_while_names_are_looked_up_is_the_accounts(tmp_path: Path, error: Exception) -> None:
    crashes = Crashes()

    async def pin() -> None:
        raise error

    async with supervised(tmp_path, Wire(), Slow(), crashes.report, crashes.sleep, pin):
        await crashes.over.wait()
    assert type(error).__name__ in next(one.reason for one in crashes.seen if one.phase is Phase.DEGRADED)


async def test_an_account_whose_files_cannot_be_read_is_tried_again_and_ends_nothing_else(
    tmp_path: Path,
) -> None:
    unreadable = tmp_path / "vault" / f"{file_name('wire', 'default')}.replaced"
    unreadable.mkdir(parents=True)
    states: list[State] = []
    ready = asyncio.Event()

    def report(state: State) -> None:
        states.append(state)
        if state.phase is Phase.READY:
            ready.set()

    async def mend(seconds: float) -> None:
        if seconds != 1.0:  # what is done now and then
            await asyncio.Event().wait()
        unreadable.rmdir()

    async with supervised(tmp_path, Wire(), Slow(), report, mend):
        await ready.wait()
    assert any("IsADirectoryError" in one.reason and one.phase is Phase.DEGRADED for one in states)
