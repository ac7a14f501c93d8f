"""The outbox in a real store: what comes next in a thread, what may pass what, and what a stop leaves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Receipt, Text, Thread, ThreadKind
from clawlane.store import due, inbox, send_log, sending, turns, unknown_sends
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, Chunk, Hold, NewMessage
from clawlane.store.send_log import SentChunk
from clawlane.store.sending import TOO_LATE_MS
from clawlane.store.transaction import Tx

MINUTE = 60_000
LAN, HUNG = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.GROUP, "22")
RULE = Rule("channels.zalouser.dmPolicy", "channel")
LOOP = Hold("pacing.sameText.times (3)", NOW + 10 * MINUTE, aside=True)
BUDGET = Hold("pacing.thread.minute (8)", NOW + MINUTE)


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock
    read: int = 0

    async def answer(self, *parts: str, thread: Thread = LAN, command: str = "") -> int:
        """A message whose reply in these parts is in the outbox. Gives its turn."""
        self.read += 1
        admit = Decision(Outcome.ADMIT, Reason.DM_OPEN, RULE, command=command)
        inbound = Inbound("default", f"m{self.read}", thread, "11", "Lan", "chào", self.clock.ms)
        [admitted] = await self.account_store.run(
            inbox.admit_all, [NewMessage(inbound, admit, PairingReply.CODE, self.clock.ms)]
        )
        assert isinstance(admitted, AdmittedMessage)
        assert await self.account_store.run(turns.reply, admitted.seq, [Text(thread, part) for part in parts])
        return admitted.seq

    async def next(self, thread: Thread = LAN) -> Chunk:
        [found] = [
            one for one in (await self.account_store.run(due.waiting)).chunks if one.out.thread == thread
        ]
        return found

    async def deliver(self, thread: Thread = LAN) -> str:
        """The next chunk of a thread arrives."""
        chunk = await self.next(thread)
        await self.account_store.run(sending.begin, [chunk.id])
        await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))
        return chunk.out.text

    async def texts(self) -> list[str]:
        return [chunk.out.text for chunk in (await self.account_store.run(due.waiting)).chunks]

    def turn(self, number: int) -> tuple[str, str]:
        with self.store.read() as reader:
            [found] = reader.decided(f"m{number}")
        return found.standing.state, found.standing.reason


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_a_chunk_knows_the_whole_reply_that_it_is_a_part_of(desk: Desk) -> None:
    await desk.answer("one", "two")
    first = await desk.next()
    assert (first.out.text, first.reply, first.begun) == ("one", "one\ntwo", False)
    await desk.deliver()
    second = await desk.next()
    assert (second.out.text, second.reply, second.begun) == ("two", "one\ntwo", True)


async def test_only_as_many_chunks_are_read_as_may_leave_and_it_says_that_there_are_more(desk: Desk) -> None:
    threads = [Thread(ThreadKind.DM, str(number)) for number in range(11, 16)]
    for thread in threads:
        await desk.answer(f"to {thread.id}", thread=thread)
    some = await desk.account_store.run(due.waiting, limit=2)
    assert ([one.out.text for one in some.chunks], len(some.beyond)) == (["to 11", "to 12"], 3)
    rest = await desk.account_store.run(due.waiting, {threads[0], threads[1]}, limit=3)
    assert ([one.out.text for one in rest.chunks], rest.beyond) == (["to 13", "to 14", "to 15"], ())
    assert [one.id for one in rest.chunks] == list(some.beyond)


async def test_the_thread_comes_first_to_which_nothing_has_left_for_longest(desk: Desk) -> None:
    flooder, friend, stranger = (Thread(ThreadKind.DM, one) for one in ("11", "22", "33"))
    for thread in (flooder, friend, stranger):
        await desk.answer(thread.id, thread=thread)
    last_ms = {flooder: NOW - 1, friend: NOW - MINUTE}
    waiting = await desk.account_store.run(due.waiting, last_ms=last_ms)
    assert [one.out.text for one in waiting.chunks] == ["33", "22", "11"]


async def test_the_answer_to_a_command_is_no_reply_of_an_agent(desk: Desk) -> None:
    await desk.answer("stopped", command="/stop")
    assert (await desk.next()).reply == ""


async def test_what_the_guard_against_loops_holds_is_passed_and_leaves_at_its_time(desk: Desk) -> None:
    turn = await desk.answer("loop 1", "loop 2")
    await desk.answer("other")
    held = await desk.next()
    assert await desk.account_store.run(sending.hold, {held.id: LOOP}) == (turn,)
    assert not await desk.account_store.run(turns.pending, turn), "its lane does not wait for it"
    waiting = await desk.account_store.run(due.waiting)
    assert ([one.out.text for one in waiting.chunks], waiting.due_ms) == (["other"], LOOP.until_ms)
    assert await desk.deliver() == "other"
    desk.clock.ms = LOOP.until_ms
    await desk.answer("later")
    assert [await desk.deliver() for _ in range(3)] == ["loop 1", "loop 2", "later"]
    assert desk.turn(1) == ("done", "")


async def test_once_a_part_has_left_no_other_reply_gets_between(desk: Desk) -> None:
    await desk.answer("loop 1", "loop 2")
    await desk.answer("a 1", "a 2")
    await desk.account_store.run(sending.hold, {(await desk.next()).id: LOOP})
    assert await desk.deliver() == "a 1"
    desk.clock.ms = LOOP.until_ms
    assert await desk.deliver() == "a 2", "although the other was read first and its time has come"
    assert await desk.deliver() == "loop 1"
    await desk.answer("b")
    assert await desk.texts() == ["loop 2"]


async def test_a_reply_that_is_held_again_and_again_expires_and_its_turn_ends(desk: Desk) -> None:
    turn = await desk.answer("loop")
    await desk.account_store.run(sending.hold, {(await desk.next()).id: LOOP})
    desk.clock.ms = LOOP.until_ms
    again = Hold(LOOP.reason, LOOP.until_ms + 10 * MINUTE, aside=True)
    await desk.account_store.run(sending.hold, {(await desk.next()).id: again})
    desk.clock.ms = LOOP.until_ms + TOO_LATE_MS
    waiting = await desk.account_store.run(due.waiting)
    assert (waiting.chunks, waiting.expired) == ((), (turn,))
    state, reason = desk.turn(1)
    assert (state, reason) == ("failed", "too late to be sent")


async def test_every_other_hold_keeps_the_order_of_its_thread(desk: Desk) -> None:
    await desk.answer("one")
    await desk.answer("two")
    chunk = await desk.next()
    assert await desk.account_store.run(sending.hold, {chunk.id: BUDGET}) == ()
    waiting = await desk.account_store.run(due.waiting, frozenset(), {chunk.id: BUDGET.until_ms})
    assert (waiting.chunks, waiting.due_ms) == ((), BUDGET.until_ms)
    with desk.store.read() as reader:
        [held] = reader.held(LANE, NOW)
    assert (held.reason, held.until_ms, held.chunks, held.turn) == (BUDGET.reason, BUDGET.until_ms, 2, 1)


async def test_what_is_held_tells_its_rule_until_it_leaves(desk: Desk) -> None:
    await desk.answer("loop")
    await desk.account_store.run(sending.hold, {(await desk.next()).id: LOOP})
    with desk.store.read() as reader:
        [row] = reader.outbox()
        [held] = reader.held(LANE, NOW)
    assert (row.reason, row.held_until_ms) == (f"held: {LOOP.reason}", LOOP.until_ms)
    assert (held.reason, held.aside) == (LOOP.reason, True)
    desk.clock.ms = LOOP.until_ms
    await desk.deliver()
    with desk.store.read() as reader:
        assert reader.held(LANE, NOW) == []


async def test_the_end_of_a_reply_that_may_leave_at_last_is_told(desk: Desk) -> None:
    await desk.answer("one")
    chunk = await desk.next()
    await desk.account_store.run(sending.hold, {chunk.id: LOOP})
    desk.clock.ms = LOOP.until_ms
    waiting = await desk.account_store.run(due.waiting, frozenset((LAN,)))
    assert (waiting.chunks, waiting.due_ms) == ((), LOOP.until_ms + TOO_LATE_MS)


async def test_a_held_reply_is_listed_once_with_all_that_waits_in_its_thread(desk: Desk) -> None:
    await desk.answer("one", "two")
    chunk = await desk.next()
    await desk.account_store.run(sending.hold, {chunk.id: LOOP})
    with desk.store.read() as reader:
        [held] = reader.held("zalouser/default", NOW)
    assert (held.chunks, held.aside, held.until_ms) == (2, True, LOOP.until_ms)


async def test_threads_that_are_shut_are_not_read(desk: Desk) -> None:
    await desk.answer("one")
    await desk.answer("two", thread=HUNG)
    waiting = await desk.account_store.run(due.waiting, frozenset((LAN,)))
    assert [one.out.text for one in waiting.chunks] == ["two"]


@pytest.mark.of_file
async def test_only_the_next_chunk_of_a_thread_is_read_however_many_wait(desk: Desk) -> None:
    """The steps of the database do not grow with what waits behind."""
    steps = []
    for _ in range(2):
        await desk.answer(*(f"part {number}" for number in range(500)))
        steps.append(await desk.account_store.attempt(_steps))
    assert steps[1] < 1.5 * steps[0]


def _steps(tx: Tx) -> int:
    """How many steps (in tens) the database takes to say what may be sent."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    tx.db.set_progress_handler(step, 10)
    try:
        assert due.waiting(tx, limit=0).beyond
    finally:
        tx.db.set_progress_handler(None, 10)
    return count


async def test_beginning_counts_and_marks_in_one(desk: Desk) -> None:
    await desk.answer("one")
    await desk.answer("two", thread=HUNG)
    chunks = (await desk.account_store.run(due.waiting)).chunks
    await desk.account_store.run(unknown_sends.drop, chunks[0].id)
    notes = [SentChunk(one.id, one.out.thread, NOW, "", False, 0) for one in chunks]
    assert await desk.account_store.run(sending.begin, [one.id for one in chunks], notes) == {chunks[1].id}
    assert [sent.chunk for sent in await desk.account_store.run(send_log.sends)] == [chunks[1].id], (
        "what left, and no more"
    )


async def test_what_was_not_handed_to_the_channel_waits_again(desk: Desk) -> None:
    await desk.answer("one")
    chunk = await desk.next()
    await desk.account_store.run(sending.begin, [chunk.id])
    await desk.account_store.run(sending.put_back, [chunk.id])
    assert (await desk.account_store.run(unknown_sends.recover)).unknown == 0
    assert (await desk.next()).attempts == 1
