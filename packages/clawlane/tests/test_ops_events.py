"""The event feed and the record of who changed what: over the socket, over restarts, and in the store."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from packages.clawlane.tests.test_gateway_process import ALICE, Gateway, House

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.agents.echo import EchoAgent
from clawlane.channel import Phase
from clawlane.config.choices import PairingReply
from clawlane.config.load import load
from clawlane.config.paths import Paths
from clawlane.gateway.process import gateway
from clawlane.lane.live_agents import LiveAgents
from clawlane.messages import Deleted, Inbound, Thread, ThreadKind, Undone
from clawlane.ops.client import ControlError, follow_gateway
from clawlane.ops.context import OpContext
from clawlane.ops.events import (
    Decided,
    Events,
    MessageRecalled,
    OperatorChanged,
    Reached,
    StateChanged,
    Truncated,
    events,
)
from clawlane.ops.operation import Caller
from clawlane.ops.pairing import Approve, Reject, Requests
from clawlane.plugins.registry import Registry
from clawlane.store import events as store_events
from clawlane.store import inbox, pairing, recall, retention
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store, open_store
from clawlane.store.errors import CursorUnknown, PairingUnknown
from clawlane.store.events import Page
from clawlane.store.models import NewMessage
from clawlane.store.transaction import Tx

NOW = 1_700_000_000_000
LANE = "piped/default"
CLOSED = "{ channels: { piped: { dmPolicy: 'disabled' } } }"
DROP = Decision(Outcome.DROP, Reason.DM_DISABLED, Rule("channels.piped.dmPolicy"))
ASKS = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("channels.piped.dmPolicy"))
Told = Decided | StateChanged | OperatorChanged | Reached


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(Paths(tmp_path / "state", tmp_path / "config.json5"))


class Reader:
    """Somebody who follows the feed in a thread of their own."""

    def __init__(self, paths: Paths, after: str = "", quiet: float = 15.0) -> None:
        self.told: Queue[Told | Exception] = Queue()
        self._events = follow_gateway(paths, Events(after, follow=True, quiet=quiet), Caller.CONSOLE)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for event in self._events:
                self.told.put(event)
        except Exception as error:
            self.told.put(error)

    async def next(self) -> Told | Exception:
        return await asyncio.to_thread(self.told.get, timeout=60)

    async def until(self, wanted: Callable[[Any], bool]) -> list[Told]:
        """Everything up to what is wanted."""
        told: list[Told] = []
        while not (told and wanted(told[-1])):
            event = await self.next()
            assert not isinstance(event, Exception), event
            told.append(event)
        return told


async def stored(paths: Paths, after: str = "", account: str | None = None) -> list[Told]:
    """What the running gateway tells without following."""
    return await asyncio.to_thread(lambda: list(follow_gateway(paths, Events(after, account), Caller.MCP)))


async def paired(gateway: Gateway) -> str:
    """The code of a stranger who wrote."""
    await gateway.says("ready")
    await gateway.tell(say="xin chào", id="m1", **{"from": ALICE})
    await gateway.says("sending")
    [request] = await gateway.call(Requests("piped"))
    return request.code


async def test_the_feed_tells_states_decisions_and_who_changed_what(house: House) -> None:
    house.configure("{ channels: { piped: {} } }")
    async with house.gateway() as gateway:
        code = await paired(gateway)
        await gateway.call(Approve("piped", code, notify=True))
        await gateway.says("sending")
        *told, reached = await stored(house.paths)
        assert isinstance(reached, Reached)
        assert reached.cursor == told[-1].cursor
        states = [one.phase for one in told if isinstance(one, StateChanged)]
        assert states == [Phase.STARTING, Phase.READY]
        [decided] = [one for one in told if isinstance(one, Decided)]
        assert (decided.account, decided.message_id, decided.sender_id) == (LANE, "m1", ALICE)
        assert (decided.outcome, decided.stage) == (Outcome.CHALLENGE, "admission")
        changed = told[-1]
        assert isinstance(changed, OperatorChanged)
        assert (changed.caller, changed.operation, changed.change) == (
            "cli",
            "pairing.approve",
            "pairing.approve",
        )
        assert changed.details == {"sender_id": ALICE, "told": True}
        assert await stored(house.paths, account="piped/other") == [reached]
        with pytest.raises(ControlError, match="not one of this store"):
            await stored(house.paths, "0123abcd.7")
        await gateway.stop()
    with closing(sqlite3.connect(house.paths.store)) as connection:
        rows = connection.execute("SELECT * FROM operator_log").fetchall()
    assert rows
    for secret in (code, "A name", "xin chào"):
        assert secret not in repr(rows)


async def test_a_reader_goes_on_after_a_restart_where_it_was(house: House) -> None:
    house.configure(CLOSED)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        reader = Reader(house.paths)
        await reader.until(lambda event: isinstance(event, StateChanged) and event.phase is Phase.READY)
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        *_, decided = await reader.until(lambda event: isinstance(event, Decided))
        began = time.monotonic()
        await gateway.stop()
        assert time.monotonic() - began < 30, "a reader is waited for in vain"
        while not isinstance(ended := await reader.next(), Exception):
            pass  # the account stops, which may be told before or after the restart
        assert isinstance(ended, ControlError)
        assert str(ended) == "the gateway stops"
    async with house.gateway() as gateway:
        await gateway.says("ready")
        reader = Reader(house.paths, decided.cursor)
        told = await reader.until(
            lambda event: isinstance(event, StateChanged) and event.phase is Phase.READY
        )
        phases = [one.phase for one in told if isinstance(one, StateChanged)]
        assert phases == [Phase.STOPPED, Phase.STARTING, Phase.READY]
        assert [one for one in told if isinstance(one, Decided)] == []
        await gateway.stop()


async def test_a_killed_gateway_costs_its_readers_nothing_that_was_stored(house: House) -> None:
    house.configure(CLOSED)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        reader = Reader(house.paths)
        await reader.until(lambda event: isinstance(event, Reached))
        await gateway.tell(say="a", id="m1", **{"from": ALICE})
        *_, decided = await reader.until(lambda event: isinstance(event, Decided))
        await gateway.kill()
        while not isinstance(ended := await reader.next(), Exception):
            pass
        assert isinstance(ended, ControlError)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.tell(say="b", id="m2", **{"from": ALICE})
        told = await Reader(house.paths, decided.cursor).until(lambda event: isinstance(event, Decided))
        assert [one.message_id for one in told if isinstance(one, Decided)] == ["m2"]
        await gateway.stop()


async def test_two_readers_are_told_the_same_as_it_falls(house: House) -> None:
    house.configure(CLOSED)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        readers = [Reader(house.paths, "newest"), Reader(house.paths, "newest")]
        for reader in readers:
            assert isinstance(await reader.next(), Reached)
        for number in range(20):
            await gateway.tell(say="a", id=f"m{number}", **{"from": ALICE})
        for reader in readers:
            told = await reader.until(lambda event: isinstance(event, Decided) and event.message_id == "m19")
            assert [one.message_id for one in told if isinstance(one, Decided)] == [
                f"m{number}" for number in range(20)
            ]
        await gateway.stop()


async def test_a_quiet_feed_says_that_it_lives(house: House) -> None:
    house.configure(CLOSED)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        reader = Reader(house.paths, quiet=0.2)
        told: list[Any] = [await reader.next()]
        while not (isinstance(told[-1], Reached) and told[-1] in told[:-1]):
            told.append(await reader.next())
        await gateway.stop()


async def drain(stream: asyncio.StreamReader) -> None:
    """Read what the gateway logs, which else waits until somebody does."""
    while await stream.read(65536):
        pass


@pytest.mark.long
async def test_a_slow_reader_loses_nothing_and_holds_nobody_up(house: House) -> None:
    count = 4000
    house.configure(CLOSED)
    async with house.gateway() as gateway:
        await gateway.says("ready")
        slow = follow_gateway(house.paths, Events(follow=True), Caller.CONSOLE)
        first = await asyncio.to_thread(next, slow)
        assert isinstance(first, StateChanged)
        swift = Reader(house.paths)
        logged = asyncio.ensure_future(drain(gateway.process.stderr))
        for number in range(count):
            await gateway.tell(say="a", id=f"m{number}", **{"from": ALICE})
        last = f"m{count - 1}"
        await swift.until(lambda event: isinstance(event, Decided) and event.message_id == last)

        def the_rest() -> Iterator[str]:
            for event in slow:
                if isinstance(event, Decided):
                    yield event.message_id
                    if event.message_id == last:
                        return

        assert await asyncio.to_thread(lambda: list(the_rest())) == [f"m{number}" for number in range(count)]
        slow.close()
        logged.cancel()
        await gateway.stop()


@asynccontextmanager
async def empty_gateway(paths: Paths) -> AsyncIterator[Store]:
    """A gateway without accounts, in this process."""
    paths.state.mkdir(parents=True)
    config = load(paths, Registry(paths), {})
    async with gateway(config, paths, {}, LiveAgents(EchoAgent())) as fleet:
        yield fleet.store


def listeners(store: Store) -> int:
    return len(store._writer._listeners)


async def test_a_reader_that_leaves_ends_its_feed(house: House) -> None:
    async with empty_gateway(house.paths) as store:
        feed = follow_gateway(house.paths, Events(follow=True, quiet=60), Caller.CONSOLE)
        assert isinstance(await asyncio.to_thread(next, feed), Reached)
        assert listeners(store) == 1
        feed.close()
        async with asyncio.timeout(60):
            while listeners(store):  # noqa: ASYNC110 — nothing tells that the other end was seen to close
                await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[tuple[Store, AccountStore]]:
    async with open_store(paths.store, paths.lock_file, lambda: NOW) as store, store.own(LANE) as account:
        yield store, account


def arrival(message_id: str, decision: Decision = DROP) -> NewMessage:
    inbound = Inbound("default", message_id, Thread(ThreadKind.DM, "11"), "11", "Lan", "xin chào", NOW)
    return NewMessage(inbound, decision, PairingReply.CODE, NOW)


def context(paths: Paths) -> OpContext:
    return OpContext(paths, {}, lambda: NOW, Caller.OWNER)


async def collected(paths: Paths, request: Events) -> list[Told]:
    return [event async for event in events(context(paths), request)]


async def test_without_a_gateway_the_feed_is_read_from_the_file(house: House) -> None:
    assert await collected(house.paths, Events()) == [Reached("")]
    assert await collected(house.paths, Events("newest")) == [Reached("")]
    async with opened(house.paths) as (_, account):
        await account.run(inbox.admit_all, [arrival("m1"), arrival("m2")])
    first, second, reached = await collected(house.paths, Events())
    assert (first.cursor != second.cursor, second.cursor == reached.cursor) == (True, True)
    assert await collected(house.paths, Events(first.cursor)) == [second, reached]
    feed = events(context(house.paths), Events(second.cursor, follow=True))
    assert await anext(feed) == reached
    async with opened(house.paths) as (_, account):
        await account.run(inbox.admit_all, [arrival("m3")])
    found = await asyncio.wait_for(anext(feed), 60)
    assert isinstance(found, Decided)
    assert found.message_id == "m3"
    await feed.aclose()
    with pytest.raises(CursorUnknown):
        await collected(house.paths, Events("anything"))
    house.paths.store.rename(house.paths.store.with_name("elsewhere"))
    (house.paths.state / "store.id").unlink()
    async with opened(house.paths) as (_, account):
        await account.run(inbox.admit_all, [arrival("m1")])
    with pytest.raises(CursorUnknown):
        await collected(house.paths, Events(first.cursor))


async def test_what_an_operation_changes_is_recorded_with_it_or_not_at_all(house: House) -> None:
    def breaks(tx: Tx) -> None:
        pairing.reject(tx, "12")
        raise PairingUnknown("after all not")

    def reads(tx: Tx) -> None:
        tx.note(sender_id="13")

    async with opened(house.paths) as (store, account):
        bound = account.by("console", "pairing.reject")
        await account.attempt(pairing.reject, "11")
        with pytest.raises(PairingUnknown):
            await bound.attempt(breaks)
        await bound.attempt(reads)
        await bound.attempt(pairing.reject, "14", block=True)
        await bound.attempt(pairing.unblock, "11")
        with store.read() as reader:
            told = reader.events("", None, 100).events
    assert [(one.change, one.details) for one in told if isinstance(one, OperatorChanged)] == [
        ("pairing.reject", {"sender_id": "14", "until_ms": None}),
        ("pairing.unblock", {"sender_id": "11"}),
    ]


async def test_an_operation_names_itself_and_the_one_that_calls_another_stays(house: House) -> None:
    house.configure("{ channels: { piped: {} } }")
    async with house.gateway() as gateway:
        await gateway.says("ready")
        await gateway.call(Reject("piped", "8200000000000001", "default", block=True))
        *_, changed, _ = await stored(house.paths)
        assert isinstance(changed, OperatorChanged)
        assert (changed.operation, changed.details["sender_id"]) == ("pairing.reject", "8200000000000001")
        await gateway.stop()
    ctx = context(house.paths).during("doctor.fix")
    assert ctx.during("pairing.approve").operation == "doctor.fix"


async def test_a_state_is_kept_once_and_all_is_forgotten_after_a_month(house: House) -> None:
    def later(tx: Tx) -> bool:
        return retention.prune(Tx(tx.db, tx.account, NOW + retention.IDS_MS + 1000))

    async with opened(house.paths) as (store, account):
        await account.run(store_events.note_state, NOW, Phase.READY, "")
        await account.run(store_events.note_state, NOW + 1, Phase.READY, "")
        await account.run(store_events.note_state, NOW + 2, Phase.READY, "clock_wrong")
        await account.by("mcp", "pairing.reject").attempt(pairing.reject, "11")
        with store.read() as reader:
            page = reader.events("", None, 100)
        kept = [(type(one).__name__, one.at_ms) for one in page.events]
        assert kept == [("StateChanged", NOW), ("StateChanged", NOW + 2), ("OperatorChanged", NOW)]
        await account.run(later)
        first = page.events[0].cursor
        with store.read() as reader:
            assert reader.events("", None, 100).events == []
            assert reader.events(page.cursor, None, 100) == Page([], page.cursor, more=False)
            assert reader.events(first, None, 100) == Page([], page.cursor, more=False, truncated=True)
    assert await collected(house.paths, Events(first)) == [Truncated(first), Reached(page.cursor)]


async def test_a_message_that_is_taken_back_is_told_once(house: House) -> None:
    one = arrival("m1").inbound
    undone = Undone("default", one.thread, "m1", one.sender_id)
    async with opened(house.paths) as (store, account):
        await account.run(inbox.admit_all, [arrival("m1"), arrival("m2")])
        await account.run(recall.undone, undone, 1000)
        await account.run(recall.undone, undone, 1000)
        cleared = Deleted("default", one.thread, "m2", one.sender_id, whole_thread=True)
        await account.run(recall.deleted, cleared, 1000)
        with store.read() as reader:
            told = [one for one in reader.events("", None, 100).events if isinstance(one, MessageRecalled)]
    assert [(one.message_id, one.who) for one in told] == [("m1", "author"), ("m2", "owner")]


async def test_pages_go_over_all_accounts_and_tables_in_the_order_of_commits(house: House) -> None:
    async with opened(house.paths) as (store, account), store.own("piped/work") as work:
        for number in range(30):
            await (work if number % 3 else account).run(inbox.admit_all, [arrival(f"m{number}", ASKS)])
            await work.run(store_events.note_state, NOW, Phase.READY, f"c{number}")
        cursor, told = "", []
        while True:
            with store.read() as reader:
                page = reader.events(cursor, None, 7)
            told += page.events
            cursor = page.cursor
            if not page.more:
                break
        numbers = [int(one.cursor.partition(".")[2]) for one in told]
        assert numbers == list(range(1, 61))
        assert json.dumps(cursor)


async def test_news_wake_a_listener_and_other_changes_do_not(house: House) -> None:
    async with opened(house.paths) as (store, account):
        with store.listening() as heard:
            await account.run(pairing.reject, "11")
            await asyncio.sleep(0)
            assert not heard.is_set()
            await account.run(inbox.admit_all, [arrival("m1")])
            await asyncio.sleep(0)
            assert heard.is_set()
        assert listeners(store) == 0
