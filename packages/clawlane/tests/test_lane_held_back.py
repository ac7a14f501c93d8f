"""What is admitted while nothing may be answered: context for the next answer, in DMs and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packages.clawlane.tests.lane_bench import GROUP, LISTENING
from packages.clawlane.tests.opened_store import NOW, opened_store

from clawlane.access.decision import Outcome, Reason, Rule
from clawlane.access.in_force import Rules
from clawlane.access.policy import Grants
from clawlane.config.choices import DmPolicy
from clawlane.lane.access_checker import AccessChecker, HeldBack
from clawlane.messages import Album, Attachment, Inbound, Mention, Thread, ThreadKind
from clawlane.store import inbox, turns
from clawlane.store.account_store import AccountStore
from clawlane.store.models import AdmittedMessage, History

DM = Thread(ThreadKind.DM, "11")
OFF = (Reason.OUTBOUND_OFF, Rule("channels.zalouser.outbound", "channel", 4))
TO_US = (Mention("1", 0, 4),)


@dataclass
class Desk:
    """An account that listens to everybody, and the threads in which nothing may be answered."""

    account_store: AccountStore
    shut: dict[Thread, HeldBack] = field(default_factory=dict)
    limit: int = 3
    number: int = 0

    async def read(self, text: str, thread: Thread = DM, album: Album | None = None) -> AdmittedMessage:
        """A message as the lane decides and stores it."""
        self.number += 1
        mentions = TO_US if text.startswith("@bot") else ()
        inbound = Inbound("default", f"m{self.number}", thread, "11", "Lan", text, NOW, mentions, album=album)
        if album is not None:
            inbound = replace(inbound, attachments=(Attachment("photo"),))
        policy = replace(LISTENING, dm=DmPolicy.OPEN, history_limit=self.limit)
        checker = AccessChecker(
            self.account_store, lambda: Rules(policy), lambda: Grants(own_id="1"), self.shut.get
        )
        [admitted] = await self.account_store.run(inbox.admit_all, [await checker.decide(inbound, NOW)])
        assert isinstance(admitted, AdmittedMessage)
        return admitted

    async def given(self, asked: AdmittedMessage, context: History = History.INCLUDE) -> list[str]:
        """What goes to the agent with a message, as context."""
        started = await self.account_store.run(turns.start, asked.seq, context)
        assert started is not None
        return [one.text for one in started.history]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_store(tmp_path) as (_, account_store):
        yield Desk(account_store)


@pytest.mark.parametrize(("thread", "asks"), [(DM, ""), (GROUP, "@bot ")])
async def test_it_is_pended_and_goes_with_the_next_answer_of_its_thread(
    desk: Desk, thread: Thread, asks: str
) -> None:
    desk.shut[thread] = OFF
    held = await desk.read(f"{asks}one", thread)
    assert (held.decision.outcome, held.decision.reason) == (Outcome.PEND, Reason.OUTBOUND_OFF)
    assert held.decision.rule == OFF[1]
    assert held.decision.trail, "the gates that it passed stay"
    other = await desk.read("elsewhere", Thread(ThreadKind.DM, "900" if thread == DM else "11"))
    assert await desk.given(other) == []
    del desk.shut[thread]
    assert await desk.given(await desk.read(f"{asks}two", thread)) == [f"{asks}one"]


async def test_only_the_newest_are_kept(desk: Desk) -> None:
    desk.shut[DM] = OFF
    for text in ("one", "two", "three", "four"):
        await desk.read(text)
    desk.shut.clear()
    assert await desk.given(await desk.read("five")) == ["two", "three", "four"]


async def test_without_history_nothing_is_kept(desk: Desk) -> None:
    desk.shut[DM], desk.limit = OFF, 0
    held = await desk.read("one")
    assert not held.decision.keep_as_history
    desk.shut.clear()
    assert await desk.given(await desk.read("two")) == []


async def test_a_command_is_neither_carried_out_nor_kept(desk: Desk) -> None:
    desk.shut[DM] = OFF
    held = await desk.read("/new")
    assert (held.decision.outcome, held.decision.command) == (Outcome.PEND, "")
    assert not held.decision.keep_as_history


async def test_a_new_conversation_forgets_what_a_person_said_before(desk: Desk) -> None:
    desk.shut[DM] = OFF
    await desk.read("one")
    desk.shut.clear()
    assert await desk.given(await desk.read("/new"), History.CLEAR) == []
    assert await desk.given(await desk.read("two")) == []


async def test_who_is_not_admitted_stays_so(desk: Desk) -> None:
    desk.shut[GROUP] = OFF
    pended = await desk.read("not for you", GROUP)
    assert pended.decision.reason is Reason.MENTION_REQUIRED


async def test_a_late_picture_of_an_album_that_is_context_is_context_too(desk: Desk) -> None:
    desk.shut[DM] = OFF
    await desk.read("one", album=Album("a", 2))
    desk.shut.clear()
    late = await desk.read("two", album=Album("a", 2))
    assert late.decision.reason is Reason.ALBUM_CLOSED
    assert await desk.given(await desk.read("three")) == ["one", "two"]
