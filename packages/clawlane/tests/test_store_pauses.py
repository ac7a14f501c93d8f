"""Pauses in the store: they outlive the process, and their end decides about everything that waited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock, opened_store

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Receipt, Text, Thread, ThreadKind
from clawlane.ops.pause import end_pause
from clawlane.store import due, inbox, pauses, sending, unknown_sends
from clawlane.store import turns as store_turns
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, History, LostSend, NewMessage
from clawlane.store.states import TurnState
from clawlane.store.told import Pause, PauseLevel

MINUTE = 60_000
BACKLOG = 15 * MINUTE
RULE = Rule("channels.zalouser.dmPolicy", "channel")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, RULE)
ASK = Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, RULE)


def dm(id_: str) -> Thread:
    return Thread(ThreadKind.DM, id_)


@dataclass
class Lane:
    """An account whose messages are put into the store by hand, on a clock turned by hand."""

    store: Store
    account_store: AccountStore
    clock: Clock

    async def hear(self, id_: str, sender: str = "11", decision: Decision = ADMIT) -> int:
        """A message that was just written; gives its turn."""
        message = Inbound("default", id_, dm(sender), sender, "", f"text of {id_}", self.clock.ms)
        [found] = await self.account_store.run(
            inbox.admit_all, [NewMessage(message, decision, PairingReply.CODE, self.clock.ms)]
        )
        assert isinstance(found, AdmittedMessage)
        return found.seq

    async def reply(self, turn: int, *parts: str, sender: str = "11") -> None:
        await self.account_store.run(store_turns.start, turn, History.INCLUDE)
        await self.account_store.run(store_turns.reply, turn, [Text(dm(sender), part) for part in parts])

    async def send_one(self) -> None:
        """The next chunk arrives."""
        [chunk, *_] = (await self.account_store.run(due.waiting)).chunks
        await self.account_store.run(sending.begin, [chunk.id])
        await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))

    async def pause(self, thread: Thread | None = None, level: PauseLevel = PauseLevel.MUTE) -> None:
        await self.account_store.run(pauses.pause, Pause(LANE, thread, level, self.clock.ms))

    async def resume(self, thread: Thread | None = None, *, flush: bool = False) -> list[str]:
        """The ids of what expired."""
        resumed = await end_pause(self.account_store, thread, self.clock.ms - BACKLOG, flush=flush)
        return [overdue.message_id for overdue in resumed.expired]

    async def waiting(self) -> list[str]:
        return [turn.inbound.message_id for turn in await self.account_store.run(store_turns.open_turns)]

    async def to_send(self) -> list[str]:
        return [chunk.out.text for chunk in (await self.account_store.run(due.waiting)).chunks]

    def ended(self, id_: str) -> tuple[str, str]:
        with self.store.read() as reader:
            [found] = reader.decided(id_)
        return found.standing.state, found.standing.reason

    def paused(self) -> list[Pause]:
        with self.store.read() as reader:
            return reader.pauses()


@asynccontextmanager
async def lane_in(folder: Path) -> AsyncIterator[Lane]:
    clock = Clock()
    async with opened_store(folder, clock) as (store, account_store):
        yield Lane(store, account_store, clock)


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    async with lane_in(tmp_path) as made:
        yield made


async def test_a_pause_outlives_the_process_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    async with lane_in(tmp_path) as lane:
        await lane.pause()
        await lane.pause(level=PauseLevel.OFFLINE)
        await lane.pause(dm("11"))
    async with lane_in(tmp_path) as lane:
        assert lane.paused() == [
            Pause(LANE, None, PauseLevel.OFFLINE, NOW),
            Pause(LANE, dm("11"), PauseLevel.MUTE, NOW),
        ]
        await lane.resume()
        assert lane.paused() == [Pause(LANE, dm("11"), PauseLevel.MUTE, NOW)]


async def test_what_is_young_goes_on_and_what_is_old_expires_with_a_reason(lane: Lane) -> None:
    await lane.pause()
    await lane.hear("old")
    lane.clock.ms += 10 * MINUTE
    await lane.hear("young", sender="12")
    lane.clock.ms += 10 * MINUTE
    assert await lane.resume() == ["old"]
    assert await lane.waiting() == ["young"]
    assert lane.ended("old") == ("expired", "a pause made it older than backlogMaxAge")


async def test_many_turns_expire_in_batches_at_one_time_and_come_back_in_batches(lane: Lane) -> None:
    await lane.pause()
    for number in range(450):
        await lane.hear(f"m{number}", sender=str(100 + number % 7))
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == [f"m{number}" for number in range(450)]
    with lane.store.read() as reader:
        assert reader.expired(LANE) == 450
    assert lane.paused() == []
    resumed = await end_pause(lane.account_store, None, lane.clock.ms - BACKLOG, flush=True)
    assert len(resumed.flushed) == 450
    assert len(await lane.waiting()) == 450


async def test_a_resume_that_was_cut_off_goes_on_where_it_was(lane: Lane) -> None:
    """The first batch only, as if the gateway had died then: the pause still holds, and its end has come."""
    await lane.pause()
    for number in range(250):
        await lane.hear(f"m{number}")
    lane.clock.ms += 20 * MINUTE
    step = await lane.account_store.attempt(pauses.resume, None, lane.clock.ms - BACKLOG, flush=False)
    assert (step.done, len(step.expired)) == (False, 200)
    [pause] = lane.paused()
    assert pause.until_ms == lane.clock.ms
    lane.clock.ms += MINUTE
    assert len(await lane.resume()) == 50
    with lane.store.read() as reader:
        assert reader.expired(LANE) == 250


async def test_a_reply_that_waited_too_long_says_which_parts_arrived(lane: Lane) -> None:
    await lane.reply(await lane.hear("m1"), "one", "two", "three")
    await lane.send_one()
    await lane.pause()
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == ["m1"]
    state, reason = lane.ended("m1")
    assert state == "expired"
    assert "of 3 parts, 1 arrived, 2–3 too late to be sent" in reason
    assert await lane.to_send() == []


async def test_a_chunk_of_unknown_fate_keeps_its_turn_from_expiring(lane: Lane) -> None:
    await lane.reply(await lane.hear("m1"), "one", "two")
    [chunk] = (await lane.account_store.run(due.waiting)).chunks
    await lane.account_store.run(sending.begin, [chunk.id])
    await lane.account_store.run(sending.unknown, chunk.id, LostSend("no answer"))
    await lane.pause()
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == []
    assert lane.ended("m1")[0] == "needs_decision"


async def test_an_agent_that_still_works_on_an_old_message_is_not_interrupted(lane: Lane) -> None:
    turn = await lane.hear("m1")
    await lane.account_store.run(store_turns.start, turn, History.INCLUDE)
    await lane.pause()
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == []
    assert await lane.account_store.run(store_turns.reply, turn, [Text(dm("11"), "here you are")])


async def test_what_a_crash_interrupted_expires_like_what_never_ran(lane: Lane) -> None:
    await lane.account_store.run(store_turns.start, await lane.hear("m1"), History.INCLUDE)
    await lane.account_store.run(unknown_sends.recover)
    await lane.pause()
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == ["m1"]


async def test_texts_of_the_gateway_itself_expire_by_their_own_age(lane: Lane) -> None:
    await lane.hear("m1", decision=ASK)
    await lane.pause()
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == [""]
    assert await lane.to_send() == []


async def test_the_end_of_one_pause_leaves_to_another_what_it_holds(lane: Lane) -> None:
    await lane.pause()
    await lane.pause(dm("11"))
    await lane.hear("m1", sender="11")
    await lane.hear("m2", sender="12")
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == ["m2"]
    assert await lane.waiting() == ["m1"]
    assert await lane.resume(dm("11")) == ["m1"]


async def test_a_flush_lets_everything_go_on(lane: Lane) -> None:
    await lane.pause()
    await lane.hear("old")
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume(flush=True) == []
    assert await lane.waiting() == ["old"]


async def test_a_late_flush_takes_up_what_the_last_resume_let_expire_once(lane: Lane) -> None:
    await lane.pause()
    never_run = await lane.hear("m1", sender="11")
    replied = await lane.hear("m2", sender="12")
    await lane.reply(replied, "one", "two", sender="12")
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == ["m1", "m2"]

    lane.clock.ms += MINUTE
    resumed = await end_pause(lane.account_store, None, lane.clock.ms - BACKLOG, flush=True)
    assert (resumed.was, resumed.flushed) == (None, (never_run, replied))
    turns = {
        turn.inbound.message_id: turn.state for turn in await lane.account_store.run(store_turns.open_turns)
    }
    assert turns == {"m1": TurnState.WAITING, "m2": TurnState.REPLIED}
    assert await lane.to_send() == ["one"]
    again = await end_pause(lane.account_store, None, lane.clock.ms - BACKLOG, flush=True)
    assert again.flushed == ()


async def test_resuming_what_is_not_paused_changes_nothing(lane: Lane) -> None:
    await lane.hear("old")
    lane.clock.ms += 20 * MINUTE
    assert await lane.resume() == []
    assert await lane.waiting() == ["old"]
