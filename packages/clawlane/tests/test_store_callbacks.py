"""Turns that may be answered later: under which id each is asked, and which answers count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Text, Thread, ThreadKind, Undone
from clawlane.store import callbacks, inbox, recall, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.callbacks import Asked, Fate, Place
from clawlane.store.database import Store
from clawlane.store.models import History, NewMessage

LAN = Thread(ThreadKind.DM, "11")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_ALLOWLISTED, Rule("channels.zalouser.allowFrom"))


def arrival(id_: str, merge_ms: int = 0) -> NewMessage:
    said = Inbound("default", id_, LAN, "11", "Lan", "chào", NOW)
    return NewMessage(said, ADMIT, PairingReply.SILENT, NOW, merge_ms=merge_ms)


class Desk:
    """One turn that an agent is asked."""

    def __init__(self, store: Store, account: AccountStore) -> None:
        self.store, self.account = store, account

    async def admit(self, *ids: str, merge_ms: int = 0) -> None:
        await self.account.run(inbox.admit_all, [arrival(one, merge_ms) for one in ids])

    async def begin(self) -> int:
        """Another run of the turn. Gives its number."""
        started = await self.account.run(turns.start, 1, History.INCLUDE)
        assert started is not None
        return started.run

    async def ask(self, run: int, agent: str = "main") -> Asked:
        asked = await self.account.run(callbacks.ask, 1, run, agent)
        assert asked is not None
        return asked

    async def take(self, id_: str, text: str = "muộn") -> Fate:
        return await self.account.run(callbacks.take, id_, text)

    def found(self, id_: str) -> Place | None:
        with self.store.read() as reader:
            return reader.callback(id_)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_store(tmp_path) as (store, account):
        yield Desk(store, account)


async def test_an_answer_counts_once_and_waits_for_the_next_run(desk: Desk) -> None:
    await desk.admit("m1")
    first = await desk.ask(await desk.begin())
    assert desk.found(first.id) == Place(LANE, 1, "main")
    await desk.account.run(turns.put_back)
    assert await desk.take(first.id) is Fate.TAKEN, "between two runs"
    assert await desk.take(first.id, "anders") is Fate.ANSWERED
    run = await desk.begin()
    assert await desk.ask(run) == Asked(first.id, "muộn")
    assert await desk.account.run(callbacks.answer, 1, run, "ngay") == "muộn", "the first one counts"
    await desk.account.run(turns.reply, 1, [Text(LAN, "muộn")], run)
    assert await desk.take(first.id) is Fate.ANSWERED


async def test_an_answer_that_came_at_once_closes_the_turn_to_later_ones(desk: Desk) -> None:
    await desk.admit("m1")
    run = await desk.begin()
    asked = await desk.ask(run)
    assert await desk.account.run(callbacks.answer, 1, run, "ngay") == "ngay"
    assert await desk.take(asked.id) is Fate.ANSWERED


async def test_what_is_over_takes_no_answer_and_is_asked_anew_as_another(desk: Desk) -> None:
    await desk.admit("m1")
    run = await desk.begin()
    asked = await desk.ask(run)
    await desk.account.run(turns.fail, 1, "no answer", run, final=True)
    assert await desk.take(asked.id) is Fate.OVER
    await desk.account.run(turns.resubmit, "m1")
    again = await desk.ask(await desk.begin())
    assert again.id != asked.id
    assert await desk.take(asked.id) is Fate.UNKNOWN
    assert await desk.take(again.id) is Fate.TAKEN


async def test_a_turn_of_which_something_was_recalled_is_another(desk: Desk) -> None:
    await desk.admit("m1", "m2", merge_ms=1000)
    asked = await desk.ask(await desk.begin())
    await desk.take(asked.id)
    await desk.account.run(recall.undone, Undone("default", LAN, "m2", "11"), 1000)
    again = await desk.ask(await desk.begin())
    assert again.id != asked.id
    assert again.answer is None, "it may have answered what was taken back"
    await desk.account.run(recall.undone, Undone("default", LAN, "m1", "11"), 1000)
    assert await desk.take(again.id) is Fate.OVER


async def test_another_agent_is_asked_as_another(desk: Desk) -> None:
    await desk.admit("m1")
    run = await desk.begin()
    first, second = await desk.ask(run), await desk.ask(run, "other")
    assert first.id != second.id
    assert desk.found(first.id) is None


async def test_a_run_that_is_void_asks_nobody(desk: Desk) -> None:
    await desk.admit("m1")
    run = await desk.begin()
    await desk.begin()
    assert await desk.account.run(callbacks.ask, 1, run, "main") is None


async def test_the_words_of_an_answer_go_with_the_end_of_its_turn(desk: Desk) -> None:
    await desk.admit("m1")
    run = await desk.begin()
    asked = await desk.ask(run)
    await desk.take(asked.id)
    await desk.account.run(turns.fail, 1, "it cannot be sent", run, final=True)
    assert await desk.account.run(callbacks.answered, 1) is None
    assert await desk.take(asked.id) is Fate.ANSWERED
