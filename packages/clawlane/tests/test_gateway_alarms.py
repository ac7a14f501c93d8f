"""The watch of one account: facts to stored alarms, with the pause at once, and what it asks the platform."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from packages.clawlane.tests.opened_store import LANE, Clock, opened_store

from clawlane.alarm_kinds import AlarmKind
from clawlane.capabilities import DirectoryError
from clawlane.channel import Health, Phase, State, StateCode
from clawlane.gateway.alarms import AlarmWatch
from clawlane.gateway.detectors import ASK_AGAIN_MS, SILENT_MS
from clawlane.messages import Inbound, Person, Thread, ThreadKind
from clawlane.store.account_store import AccountStore
from clawlane.store.claims import take
from clawlane.store.database import Store
from clawlane.store.sql import Database
from clawlane.store.told import Pause

READY = State(Phase.READY, inbound=Health.OK, code=StateCode.READY, noticed_ms=1000)
KICKED = State(Phase.REPLACED, inbound=Health.BROKEN, code=StateCode.KICKED)
STARTING = State(Phase.STARTING, code=StateCode.STARTING)


@dataclass
class Platform:
    """What the watch may ask, and the pauses that it puts in force."""

    clock: Clock = field(default_factory=Clock)
    pauses: Sequence[Pause] = ()
    friends: int | None = 0
    asked: list[str] = field(default_factory=list)

    def hold(self, pauses: Sequence[Pause]) -> None:
        self.pauses = pauses

    async def look_up(self, kind: ThreadKind) -> bool:
        self.asked.append(kind)
        return True

    async def list_friends(self) -> Sequence[Person]:
        self.asked.append("friends")
        if self.friends is None:
            raise DirectoryError("no answer")
        return [Person(str(place), "x") for place in range(self.friends)]

    def watch(self) -> AlarmWatch:
        return AlarmWatch(LANE, self.clock, lambda: self.pauses, self.hold, self.look_up, self.list_friends)


@asynccontextmanager
async def watched(folder: Path, platform: Platform) -> AsyncIterator[tuple[AlarmWatch, Store]]:
    async with opened_store(folder, platform.clock) as (store, account_store):
        watch = platform.watch()
        await watch.recall(account_store)
        running = asyncio.create_task(watch.run(account_store))
        await asyncio.sleep(0)  # it runs, and waits for news
        yield watch, store
        running.cancel()
        await asyncio.wait([running])


async def stored(store: Store, kind: AlarmKind, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while True:
            with store.read() as reader:
                if any(one.kind is kind and one.times == times for one in reader.open_alarms(LANE)):
                    return
            await asyncio.sleep(0)


async def looked(watch: AlarmWatch, account_store: AccountStore) -> None:
    """One look at what the time changes."""
    await watch._look(account_store)


async def test_what_looks_like_a_ban_mutes_at_once_and_a_restart_repeats_nothing(tmp_path: Path) -> None:
    platform = Platform()
    async with watched(tmp_path, platform) as (watch, store):
        for state in (READY, KICKED, STARTING, READY):
            watch.state(state)
        assert platform.pauses == ()
        watch.state(KICKED)
        assert [one.reason for one in platform.pauses] == ["kicked"]  # before anything is stored
        await stored(store, AlarmKind.KICKED)
        with store.read() as reader:
            assert reader.pauses() == list(platform.pauses)
    async with watched(tmp_path, platform) as (watch, store):
        watch.state(READY)
        with store.read() as reader:
            assert [one.times for one in reader.open_alarms(LANE)] == [1]


async def test_the_same_state_told_twice_is_one_kick(tmp_path: Path) -> None:
    platform = Platform()
    async with watched(tmp_path, platform) as (watch, _):
        watch.state(READY)
        watch.state(KICKED)
        watch.state(KICKED)
        assert platform.pauses == ()


async def test_what_was_found_last_is_stored_when_the_watch_ends(tmp_path: Path) -> None:
    platform = Platform()
    async with watched(tmp_path, platform) as (watch, _store):
        watch.state(State(Phase.NEEDS_LOGIN, code=StateCode.LOGIN_REFUSED))
    async with opened_store(tmp_path) as (store, _):
        with store.read() as reader:
            assert [one.kind for one in reader.open_alarms(LANE)] == [AlarmKind.LOGIN_REFUSED]


async def test_the_platform_is_asked_for_friends_once_more_ten_minutes_after_they_fell(
    tmp_path: Path,
) -> None:
    platform = Platform()
    async with opened_store(tmp_path, platform.clock) as (_, account_store):
        watch = platform.watch()
        await watch.recall(account_store)
        watch.state(READY)
        watch.friends(100, 5)
        await looked(watch, account_store)
        platform.clock.ms += ASK_AGAIN_MS - 1
        await looked(watch, account_store)
        assert platform.asked == []
        platform.clock.ms += 1
        platform.friends = None
        await looked(watch, account_store)
        await looked(watch, account_store)
        assert platform.asked == ["friends"]  # one that failed is not repeated at once
        platform.clock.ms += ASK_AGAIN_MS
        platform.friends = 5
        await looked(watch, account_store)
        await looked(watch, account_store)
        assert platform.asked == ["friends", "friends"]
        assert [one.reason for one in platform.pauses] == ["friends_fell"]


async def test_the_history_is_asked_after_half_an_hour_of_silence_and_a_quiet_account_is_well(
    tmp_path: Path,
) -> None:
    platform = Platform()
    async with opened_store(tmp_path, platform.clock) as (_store, account_store):
        watch = platform.watch()
        watch.state(READY)
        await looked(watch, account_store)
        assert platform.asked == []
        for times in (1, 2):
            platform.clock.ms += SILENT_MS
            await looked(watch, account_store)
            await looked(watch, account_store)
            assert platform.asked == ["dm", "group"] * times
            for kind in ThreadKind:
                watch.asked(kind)
                watch.caught_up(kind)
        assert watch._changes == []
        watch.asked(ThreadKind.DM)
        thread = Thread(ThreadKind.DM, "7")
        sent_ms = platform.clock.ms - SILENT_MS // 2
        watch.read(Inbound("default", "m1", thread, "7", "Lan", "hello", sent_ms, live=False))
        watch.caught_up(ThreadKind.DM)
        assert len(watch._changes) == 1


async def test_nothing_is_asked_while_the_account_is_not_connected(tmp_path: Path) -> None:
    platform = Platform()
    async with opened_store(tmp_path, platform.clock) as (_store, account_store):
        watch = platform.watch()
        watch.state(READY)
        watch.friends(100, 5)
        watch.state(State(Phase.DEGRADED, inbound=Health.BROKEN, code=StateCode.CONNECTION_LOST))
        platform.clock.ms += SILENT_MS
        watch.failed()
        await looked(watch, account_store)
        assert platform.asked == []


async def test_what_it_cannot_store_after_a_loss_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stopped while a change waits for the disk, and another gateway has the account by then."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
    disk, platform = Event(), Platform()

    def take_over(db: Database, now_ms: int) -> None:
        disk.wait(10)
        take(db, LANE, 1, now_ms)

    async with opened_store(tmp_path, platform.clock) as (store, account_store):
        watch = platform.watch()
        running = asyncio.create_task(watch.run(account_store))
        await asyncio.sleep(0)
        taking = asyncio.create_task(store.change(take_over))
        await asyncio.sleep(0)
        for state in (READY, KICKED, STARTING, READY, KICKED):
            watch.state(state)
        for _ in range(5):  # it has begun to store what it found
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        disk.set()
        await taking
        await store.change(lambda _db, _now_ms: None)
        gc.collect()
    assert complaints == []
    [told] = [line for line in caplog.messages if "failed" in line]
    assert told.startswith(f"storing what is wrong with {LANE} failed")
    assert told.endswith("is run by another gateway now")
