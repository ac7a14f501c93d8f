"""The store: chunks that nobody answered for, replies in parts, messages that are set aside, and `/stop`."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.policy import PairingReply
from clawlane.messages import Inbound, Own, Receipt, Text, Thread, ThreadKind
from clawlane.store.errors import NoDeadLetter, NotInOutbox
from clawlane.store.journal import Journal
from clawlane.store.outbox import LOOK_UP_MS
from clawlane.store.records import Admitted, Arrival, Chunk, Context, Recovered
from clawlane.store.store import Store, open_store
from clawlane.store.turns import TRIES

LANE = "zalouser/default"
NOW = 1_700_000_000_000
ALICE, BOB = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.DM, "22")
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


@dataclass
class Clock:
    ms: int = NOW

    def __call__(self) -> int:
        return self.ms


@dataclass
class Desk:
    """A store with one account, and short ways to have messages answered."""

    store: Store
    journal: Journal
    clock: Clock
    read: int = 0
    turns: dict[str, int] = field(default_factory=dict)

    async def admit(self, thread: Thread = ALICE) -> str:
        self.read += 1
        message_id = f"m{self.read}"
        inbound = Inbound("default", message_id, thread, thread.id, "Lan", f"text {self.read}", self.clock.ms)
        [admitted] = await self.journal.admit([Arrival(inbound, ADMIT, PairingReply.CODE, self.clock.ms)])
        assert isinstance(admitted, Admitted)
        self.turns[message_id] = admitted.seq
        return message_id

    async def answer(self, *parts: str, thread: Thread = ALICE) -> str:
        """A message whose reply in these parts is in the outbox."""
        message_id = await self.admit(thread)
        assert await self.journal.reply(self.turns[message_id], [Text(thread, part) for part in parts])
        return message_id

    async def take(self, *, look_up: bool = False) -> Chunk:
        chunk = (await self.journal.waiting(look_up=look_up)).chunks[0]
        assert chunk.id in await self.journal.begin([chunk.id])
        return chunk

    async def deliver(self) -> str:
        """The next chunk arrives. Gives its text."""
        chunk = await self.take()
        await self.journal.sent(chunk.id, Receipt((f"r{chunk.id}",)))
        return chunk.out.text

    async def lose(self) -> Chunk:
        """The next chunk gets no answer."""
        chunk = await self.take()
        await self.journal.unknown(chunk.id, "no answer")
        return chunk

    async def waiting(self, *, look_up: bool = False) -> list[str]:
        return [chunk.out.text for chunk in (await self.journal.waiting(look_up=look_up)).chunks]

    def turn(self, message_id: str) -> tuple[str, str]:
        with self.store.read() as reader:
            [found] = reader.decided(message_id)
        return found.turn, found.turn_reason

    def states(self) -> list[str]:
        with self.store.read() as reader:
            return [str(one.state) for one in reader.outbox(settled=True)]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with (
        open_store(tmp_path / "store.sqlite", tmp_path / "lock", clock) as store,
        store.own(LANE) as journal,
    ):
        yield Desk(store, journal, clock)


async def test_of_each_thread_the_first_chunk_may_go_and_threads_go_side_by_side(desk: Desk) -> None:
    await desk.answer("a1", "a2")
    await desk.answer("b1", thread=BOB)
    await desk.answer("a3")
    assert await desk.waiting() == ["a1", "b1"]
    await desk.take()
    assert await desk.waiting() == ["b1"]


async def test_a_chunk_that_is_gone_meanwhile_is_not_begun(desk: Desk) -> None:
    await desk.answer("a")
    [chunk] = (await desk.journal.waiting()).chunks
    await desk.journal.drop(chunk.id)
    assert await desk.journal.begin([chunk.id]) == frozenset()


async def test_a_reply_that_fails_midway_says_which_parts_arrived(desk: Desk) -> None:
    message = await desk.answer("one", "two", "three", "four")
    assert await desk.deliver() == "one"
    chunk = await desk.take()
    ended = await desk.journal.refused(chunk.id, "you are blocked")
    told = "of 4 parts, 1 arrived, 2 refused (you are blocked), 3–4 not sent"
    assert (ended.turn, ended.told) == (desk.turns[message], told)
    assert desk.turn(message) == ("failed", told)


async def test_a_turn_with_a_chunk_of_unknown_fate_needs_a_decision(desk: Desk) -> None:
    message = await desk.answer("one", "two", "three")
    await desk.deliver()
    await desk.lose()
    told = "of 3 parts, 1 arrived, 2 of unknown fate (no answer), 3 held back"
    assert desk.turn(message) == ("needs_decision", told)
    assert await desk.journal.open_turns() == [], "its lane goes on"


async def test_the_operator_has_it_sent_again_under_the_same_client_id(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    await desk.journal.resend(lost.id)
    again = await desk.take()
    assert (again.id, again.out.client_id, again.attempts) == (lost.id, lost.out.client_id, 2)
    await desk.journal.sent(again.id, Receipt(("r",)))
    assert await desk.deliver() == "two"
    assert desk.turn(message) == ("done", "")


async def test_the_operator_saw_it_arrive_and_the_rest_follows(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    assert await desk.journal.arrived(lost.id) is None
    assert await desk.deliver() == "two"
    assert desk.turn(message) == ("done", "")


async def test_the_operator_drops_it_with_the_rest_of_its_reply(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    lost = await desk.lose()
    assert await desk.journal.drop(lost.id) == desk.turns[message]
    assert await desk.waiting() == []
    assert desk.turn(message) == ("failed", "of 2 parts, 1–2 not sent")


async def test_what_is_past_deciding_says_so(desk: Desk) -> None:
    await desk.answer("one")
    [waiting] = (await desk.journal.waiting()).chunks
    with pytest.raises(NotInOutbox, match="is queued: it cannot be sent again"):
        await desk.journal.resend(waiting.id)
    await desk.deliver()
    with pytest.raises(NotInOutbox, match="is sent: it cannot be dropped; see: openclaw outbox list"):
        await desk.journal.drop(waiting.id)
    with pytest.raises(NotInOutbox, match="has no message 99"):
        await desk.journal.arrived(99)


@pytest.mark.parametrize("resend", [True, False])
async def test_what_the_platform_does_not_have_is_sent_again_only_if_that_is_wanted(
    desk: Desk, resend: bool
) -> None:
    message = await desk.answer("one", "two")
    await desk.lose()
    desk.clock.ms += 60_000
    again = await desk.journal.absent(ThreadKind.DM, NOW - 60_000, desk.clock.ms, resend=resend)
    assert again == (1 if resend else 0)
    assert await desk.waiting() == (["one"] if resend else [])
    state, reason = desk.turn(message)
    assert state == ("replied" if resend else "needs_decision")
    assert ("the platform does not have it" in reason) is not resend


async def test_what_a_look_up_cannot_tell_stays_with_the_operator(desk: Desk) -> None:
    message = await desk.answer("one")
    await desk.lose()
    assert await desk.journal.absent(ThreadKind.DM, NOW + 1, NOW + 60_000, resend=True) == 0
    assert "the platform does not tell any more" in desk.turn(message)[1]


async def test_a_look_up_tells_nothing_of_what_left_later_or_of_other_kinds_of_thread(
    desk: Desk,
) -> None:
    await desk.answer("one")
    await desk.lose()
    assert await desk.journal.absent(ThreadKind.DM, 0, NOW, resend=True) == 0
    assert await desk.journal.absent(ThreadKind.GROUP, 0, NOW + 1, resend=True) == 0
    assert desk.states() == ["unknown"]


async def test_a_request_that_was_cut_off_has_a_while_to_arrive_before_it_is_repeated(desk: Desk) -> None:
    await desk.answer("one")
    lost = await desk.lose()
    desk.clock.ms += 1
    assert await desk.journal.absent(ThreadKind.DM, 0, desk.clock.ms, resend=True) == 1
    assert await desk.waiting() == []
    seen = Own("default", "z1", lost.out.client_id, ALICE, "one", NOW)
    await desk.journal.admit([seen])
    desk.clock.ms += 60_000
    assert await desk.waiting() == [], "it has arrived after all"


async def test_while_a_look_up_is_wanted_nothing_passes_in_that_thread(desk: Desk) -> None:
    await desk.answer("one")
    await desk.lose()
    await desk.answer("two")
    await desk.answer("b", thread=BOB)
    assert await desk.waiting(look_up=True) == ["b"]
    assert await desk.waiting(look_up=False) == ["two", "b"]
    assert (await desk.journal.waiting(look_up=True)).due_ms == NOW + LOOK_UP_MS
    desk.clock.ms += LOOK_UP_MS
    assert await desk.waiting(look_up=True) == ["two", "b"], "nobody is kept waiting for ever"


async def test_a_message_that_nobody_can_answer_is_set_aside(desk: Desk) -> None:
    message = await desk.admit()
    seq = desk.turns[message]
    for number in range(1, TRIES + 1):
        started = await desk.journal.start(seq, Context.GIVE)
        assert started is not None
        assert await desk.journal.fail(seq, f"no idea {number}") is (number == TRIES)
    assert await desk.journal.start(seq, Context.GIVE) is None
    with desk.store.read() as reader:
        [letter] = reader.dead_letters()
    assert (letter.message_id, letter.text, letter.tries) == (message, "text 1", TRIES)
    assert letter.reason == f"no idea {TRIES}"


async def test_a_dead_letter_is_tried_again_or_forgotten(desk: Desk) -> None:
    message = await desk.admit()
    await fail(desk, message)
    turn = await desk.journal.resubmit(message)
    assert (turn.seq, turn.inbound.text) == (desk.turns[message], "text 1")
    assert [one.seq for one in await desk.journal.open_turns()] == [turn.seq]
    await fail(desk, message)
    await desk.journal.drop_dead_letter(message)
    assert desk.turn(message) == ("failed", "dropped by the operator: no idea")
    with pytest.raises(NoDeadLetter, match="see: openclaw channels dead-letters list"):
        await desk.journal.resubmit(message)


async def fail(desk: Desk, message: str) -> None:
    for _ in range(TRIES):
        await desk.journal.start(desk.turns[message], Context.GIVE)
        await desk.journal.fail(desk.turns[message], "no idea")


async def test_a_turn_over_which_the_gateway_crashes_again_and_again_is_set_aside(desk: Desk) -> None:
    message = await desk.admit()
    for _ in range(TRIES):
        assert await desk.journal.recover() == Recovered(unknown=0, set_aside=0)
        await desk.journal.start(desk.turns[message], Context.GIVE)
    assert await desk.journal.recover() == Recovered(unknown=0, set_aside=1)
    assert desk.turn(message)[0] == "dead"


async def test_an_orderly_stop_is_no_try(desk: Desk) -> None:
    message = await desk.admit()
    for _ in range(2 * TRIES):
        await desk.journal.start(desk.turns[message], Context.GIVE)
        await desk.journal.put_back()
    assert await desk.journal.recover() == Recovered(unknown=0, set_aside=0)


async def test_a_stop_ends_what_was_begun_in_its_thread_and_nothing_else(desk: Desk) -> None:
    running, waiting = await desk.admit(), await desk.admit()
    elsewhere = await desk.answer("b", thread=BOB)
    await desk.journal.start(desk.turns[running], Context.GIVE)
    stop = await desk.admit()
    assert await desk.journal.stop(desk.turns[stop]) == [desk.turns[running]]
    assert not await desk.journal.reply(desk.turns[running], [Text(ALICE, "too late")])
    assert await desk.waiting() == ["b"]
    assert [desk.turn(one)[0] for one in (running, waiting, elsewhere)] == ["stopped", "waiting", "replied"]


async def test_a_part_that_did_not_leave_before_the_stop_does_not_leave_after_it(desk: Desk) -> None:
    message = await desk.answer("one", "two")
    chunk = await desk.take()
    await desk.journal.stop(desk.turns[await desk.admit()])
    await desk.journal.retry(chunk.id, "the line is down", desk.clock.ms)
    assert await desk.waiting() == []
    assert desk.turn(message)[0] == "stopped"


async def test_a_store_of_an_older_clawlane_is_brought_up_to_date(desk: Desk, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(outbox)")}
    assert {"sent_ms", "looked_up_ms"} <= columns
