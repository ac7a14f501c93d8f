"""Accounts while a gateway runs: they change hands, and what fails for one of them is tried again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from packages.clawlane.tests.profiles_in import profiles_in
from packages.clawlane.tests.test_ops_pause import LANE, NOW, House, Installed, Quiet

from clawlane.agents.echo import EchoAgent
from clawlane.channel import Account, Host, State
from clawlane.condition import Phase
from clawlane.config.load import Config, load
from clawlane.config.paths import Paths
from clawlane.gateway.accounts import Accounts
from clawlane.gateway.node_accounts import NodeAccounts
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Inbound, Thread, ThreadKind
from clawlane.ops.operation import Caller
from clawlane.ops.pause import BeginPause, pause
from clawlane.store import inbox
from clawlane.store.account_store import AccountStore
from clawlane.store.database import open_store
from clawlane.store.errors import StoreOwned
from clawlane.store.told import PauseLevel

OTHER_PROFILE = "{ channels: { zalouser: { dmPolicy: 'open', profile: 'other' } } }"
TWO = "zalouser/two"
ON = "{ channels: { zalouser: { dmPolicy: 'open' } } }"


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "state").mkdir(mode=0o700)
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


def edited(house: House, text: str) -> Config:
    house.configure(text)
    return load(house.paths, Installed(house.paths), {})


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.005)


async def turns_of_the_loop() -> None:
    """Enough for whatever was begun, also what asks files in threads."""
    for _ in range(50):
        await asyncio.to_thread(int)


async def owned(accounts: Accounts) -> AccountStore:
    """The store of the account, once it runs."""
    await accounts.supervisors[LANE].owned.wait()
    found = accounts.supervisors[LANE].account_store
    assert found is not None
    return found


async def test_an_account_that_starts_anew_waits_for_the_operation_that_owns_it(house: House) -> None:
    async with house.gateway() as accounts:
        accounts.follow(edited(house, "{ channels: {} }"), None, {})
        await until(lambda: LANE not in accounts.supervisors)
        async with accounts.context(Caller.CLI).own(LANE) as operator:
            accounts.follow(edited(house, ON), None, {"zalouser": Quiet()})
            await until(lambda: LANE in accounts.supervisors)
            await turns_of_the_loop()
            assert accounts.supervisors[LANE].account_store is None
            await operator.run(inbox.admit_all, [])
        await owned(accounts)


async def test_an_operation_waits_for_the_account_that_is_about_to_run(house: House) -> None:
    async with house.gateway() as accounts:
        ctx = accounts.context(Caller.CLI)
        supervisor = accounts.supervisors[LANE]
        starts, supervisor.account_store = supervisor.account_store, None  # as before it has its store

        async def operate() -> None:
            async with ctx.own(LANE) as account_store:
                await account_store.run(inbox.admit_all, [])

        operating = asyncio.create_task(operate())
        await turns_of_the_loop()
        assert not operating.done()
        supervisor.account_store = starts
        async with accounts.store.own("zalouser/other"):
            await operating


async def test_only_who_is_patient_waits_for_an_owner(house: House) -> None:
    async with open_store(house.paths.store, house.paths.lock_file, house.now_ms) as store:

        async def wait() -> None:
            async with store.own(LANE, patient=True):
                pass

        async with store.own(LANE):
            waiting = asyncio.create_task(wait())
            await turns_of_the_loop()
            assert not waiting.done()
            with pytest.raises(StoreOwned):
                async with store.own(LANE):
                    pass
        await waiting


async def test_an_account_that_cannot_be_owned_on_a_full_disk_starts_once_there_is_room(house: House) -> None:
    async with house.gateway() as accounts:
        full = (8192, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        accounts.follow(edited(house, "{ channels: {} }"), None, {})
        await until(lambda: LANE not in accounts.supervisors)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, full)
        try:
            accounts.follow(edited(house, ON), None, {"zalouser": Quiet()})
            await until(lambda: bool(accounts.store.failing))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await owned(accounts)


async def test_an_account_that_could_not_be_added_is_tried_again(house: House) -> None:
    away = house.paths.store.with_suffix(".away")
    async with house.gateway() as accounts:
        await pause(accounts.context(Caller.CLI), BeginPause(thread="dm:11"))
        accounts.follow(edited(house, OTHER_PROFILE), None, accounts.channels)
        house.paths.store.rename(away)  # what writes has it open; nobody can read
        try:
            await until(lambda: accounts.supervisors[LANE].state.reason.startswith("could not be started"))
        finally:
            away.rename(house.paths.store)
        await until(lambda: accounts.supervisors[LANE].state.phase is Phase.READY)
        assert [str(one) for one in accounts.supervisors[LANE].pauses] == [f"{LANE} dm:11"]


async def test_an_account_that_fails_at_the_start_is_told_and_tried_again_while_others_run(
    house: House,
) -> None:
    house.configure("{ channels: { zalouser: { accounts: { default: {}, two: { dmPolicy: 'open' } } } } }")
    async with open_store(house.paths.store, house.paths.lock_file, house.now_ms):
        pass
    with closing(sqlite3.connect(house.paths.store)) as db, db:
        row = (TWO, "no such list", "Lan", "pinned", "[]", 1)
        db.execute(
            "INSERT INTO pins (account, list, entry, found, candidates, at_ms) VALUES (?,?,?,?,?,?)", row
        )
    async with house.gateway() as accounts:
        await until(lambda: accounts.supervisors[LANE].state.phase is Phase.READY)
        assert accounts.supervisors[TWO].state.phase is Phase.DEGRADED
        assert accounts.supervisors[TWO].state.reason.startswith("could not be started (ValueError); trying")
        with closing(sqlite3.connect(house.paths.store)) as db, db:
            db.execute("DELETE FROM pins")
        await until(lambda: accounts.supervisors[TWO].state.phase is Phase.READY)
        assert accounts.supervisors[LANE].state.phase is Phase.READY


async def test_an_account_that_is_being_added_does_not_run_once_the_gateway_stops(house: House) -> None:
    async with house.gateway() as accounts:
        accounts.follow(edited(house, "{ channels: {} }"), None, {})
        await until(lambda: LANE not in accounts.supervisors)
        accounts.follow(edited(house, ON), None, {"zalouser": Quiet()})
        await until(lambda: LANE in accounts.supervisors)
        await accounts.stop()
        supervisor = accounts.supervisors[LANE]
        await supervisor.owned.wait()
        await turns_of_the_loop()
        await supervisor.restart()
        await turns_of_the_loop()
        assert supervisor.state.phase is Phase.STOPPED


async def test_an_account_that_is_lost_while_it_is_taken_can_be_taken_again(house: House) -> None:
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        async with accounts.store.own(LANE):
            taking = asyncio.create_task(accounts.take(LANE))
            await until(lambda: accounts.here() == [LANE])
            await turns_of_the_loop()
            await accounts.lose("too late")
            await taking
            assert accounts.here() == []
        await accounts.take(LANE)
        await owned(accounts)


async def taken_on(accounts: NodeAccounts, channel: Quiet) -> None:
    """The account runs on a channel of the test's own."""
    accounts.follow(accounts.config, None, {"zalouser": channel})
    await until(lambda: accounts.supervisors[LANE].channel is channel)
    await accounts.take(LANE)
    await until(lambda: accounts.supervisors[LANE].state.phase is Phase.READY)


class Reluctant(Quiet):
    """It takes its time to end."""

    def __init__(self) -> None:
        self.ends = asyncio.Event()

    async def run(self, account: Account, host: Host) -> None:
        try:
            await super().run(account, host)
        finally:
            await self.ends.wait()


async def test_an_account_that_is_lost_twice_at_once_is_let_go_when_it_has_stopped(house: House) -> None:
    """Else it could be claimed meanwhile, and what runs of it would be forgotten."""
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        await taken_on(accounts, slow := Reluctant())
        losing = asyncio.gather(accounts.lose("by its clock"), accounts.lose("by its beat"))
        await turns_of_the_loop()
        assert accounts.here() == [LANE]
        slow.ends.set()
        await losing
        assert accounts.here() == []
        await accounts.take(LANE)
        await owned(accounts)
        assert accounts.here() == [LANE]


class Hearing(Quiet):
    """It hears a message when it is told to."""

    def __init__(self) -> None:
        self.hears = asyncio.Event()

    async def run(self, account: Account, host: Host) -> None:
        host.report(State(Phase.READY, user_id="1"))
        await self.hears.wait()
        thread = Thread(ThreadKind.DM, "11")
        await host.admit(Inbound("default", "m1", thread, "11", "", "hello", NOW))
        await asyncio.Event().wait()


async def test_an_account_that_another_gateway_runs_may_be_claimed_again(house: House) -> None:
    """The database may have gone back to before the claim."""
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        await taken_on(accounts, hearing := Hearing())
        with closing(sqlite3.connect(house.paths.store)) as db, db:
            db.execute("UPDATE owners SET epoch = epoch + 1")
        hearing.hears.set()
        await until(lambda: accounts.here() == [])
        hearing.hears.clear()
        await accounts.take(LANE)
        await until(lambda: accounts.supervisors[LANE].state.phase is Phase.READY)
        await (await owned(accounts)).run(inbox.admit_all, [])


async def test_no_account_is_taken_before_the_gateway_is_ready_for_it(house: House) -> None:
    async with house.gateway(NodeAccounts) as running:
        config, paths, store = running.config, house.paths, running.store
        accounts = NodeAccounts(
            config, paths, store, running.channels, LiveAgents(EchoAgent()), house.now_ms, {}
        )
        accounts.join(str)
        taking = asyncio.create_task(accounts.take(LANE))
        await turns_of_the_loop()
        assert not taking.done()
        running_too = asyncio.create_task(accounts.run())
        await taking
        await owned(accounts)
        running_too.cancel()
        await asyncio.wait([running_too])


async def test_an_account_that_is_lost_says_so_before_it_has_stopped(house: House) -> None:
    """What it has to store may wait for the database."""
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        await accounts.take(LANE)
        await until(lambda: accounts.supervisors[LANE].state.phase is Phase.READY)
        losing = asyncio.create_task(accounts.lose("too late"))
        await asyncio.sleep(0)
        told = accounts.supervisors[LANE].state
        await losing
        left = accounts.supervisors[LANE].state
        assert (told.phase, told.reason) == (left.phase, left.reason) == (Phase.STOPPED, "too late")


async def test_whose_an_account_is_that_runs_elsewhere_is_known_here(house: House) -> None:
    profiles_in(house.paths).vault("zalouser", "default").replace(b"{}", ("4711", "Lan"))
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        await accounts.elsewhere({LANE: "node b runs it", "zalouser/gone": "nobody runs it"})
        state = accounts.supervisors[LANE].state
        assert (state.phase, state.reason, state.user_id) == (Phase.STOPPED, "node b runs it", "4711")


async def test_an_account_that_runs_elsewhere_does_not_say_here_that_it_starts(house: House) -> None:
    async with house.gateway(NodeAccounts) as accounts:
        assert isinstance(accounts, NodeAccounts)
        await accounts.elsewhere({LANE: "its node b does not run it"})
        await pause(accounts.context(Caller.CLI), BeginPause(level=PauseLevel.OFFLINE))
        assert accounts.supervisors[LANE].state.reason == "its node b does not run it"
