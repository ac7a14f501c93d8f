"""Steps of a model in a real store, what its tools send with them, and what stops that from leaving."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW, Clock

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.config.choices import PairingReply
from clawlane.messages import Inbound, Reaction, Receipt, Text, Thread, ThreadKind, Undone
from clawlane.store import (
    catch_up,
    due,
    inbox,
    pauses,
    recall,
    retention,
    sending,
    steps,
    tool_calls,
    turns,
    unknown_sends,
)
from clawlane.store.account_store import AccountStore
from clawlane.store.database import Store
from clawlane.store.models import AdmittedMessage, Chunk, History, Hold, LostSend, NewMessage, RecallResult
from clawlane.store.outbox_listing import Listed
from clawlane.store.retention import BUILT_IN
from clawlane.store.steps import ToolSend
from clawlane.store.told import Pause, PauseLevel, Turn
from clawlane.store.tool_calls import CallState
from clawlane.store.transaction import Tx
from clawlane.store.unknown_sends import LookUp

LAN, HUNG = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.GROUP, "22")
LOOP = Hold("pacing.sameText.times (3)", NOW + 600_000, aside=True)
ADMIT = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("channels.zalouser.dmPolicy", "channel"))


def says(*texts: str, step: int = 1, call: int = 0, thread: Thread = LAN) -> ToolSend:
    return ToolSend(step, call, tuple(Text(thread, text) for text in texts))


@dataclass
class Desk:
    store: Store
    account_store: AccountStore
    clock: Clock
    runs: dict[int, int] = field(default_factory=dict)
    read: int = 0

    async def read_pair(self) -> int:
        """Two messages of Lan's that are answered together. Gives their turn."""
        turn = await self.read_message(merge_ms=1000)
        await self.read_message(merge_ms=1000)
        return turn

    async def read_message(self, command: str = "", merge_ms: int = 0) -> int:
        """A message of Lan's. Gives its turn, which has not begun."""
        self.read += 1
        admit = Decision(ADMIT.outcome, ADMIT.reason, ADMIT.rule, command=command)
        inbound = Inbound("default", f"m{self.read}", LAN, "11", "Lan", f"chào {self.read}", self.clock.ms)
        [admitted] = await self.account_store.run(
            inbox.admit_all,
            [NewMessage(inbound, admit, PairingReply.CODE, self.clock.ms, merge_ms=merge_ms)],
        )
        assert isinstance(admitted, AdmittedMessage)
        return admitted.seq

    async def begin(self, turn: int | None = None) -> int:
        """A turn that is with its model."""
        turn = turn or await self.read_message()
        started = await self.account_store.run(turns.start, turn, History.INCLUDE)
        assert started is not None
        self.runs[turn] = started.run
        return turn

    async def step(self, turn: int, number: int, body: str = "{}", *sends: ToolSend) -> bool:
        return await self.account_store.run(steps.add, turn, self.runs[turn], number, body, sends)

    async def stored(self, turn: int) -> tuple[str, ...]:
        return await self.account_store.run(steps.stored, turn)

    async def answer(self, turn: int, *parts: str) -> None:
        texts = [Text(LAN, part) for part in parts]
        assert await self.account_store.run(turns.reply, turn, texts, self.runs[turn])

    async def next(self, thread: Thread = LAN) -> Chunk:
        chunks = (await self.account_store.run(due.waiting)).chunks
        [found] = [one for one in chunks if one.out.thread == thread]
        return found

    async def deliver(self, thread: Thread = LAN) -> str:
        """The next chunk of a thread arrives."""
        chunk = await self.next(thread)
        await self.account_store.run(sending.begin, [chunk.id])
        await self.account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))
        return chunk.out.text if isinstance(chunk.out, Text) else ""

    async def lose(self, thread: Thread = LAN, settle_ms: int = 0) -> None:
        """Nobody knows whether the next chunk of a thread arrived."""
        chunk = await self.next(thread)
        await self.account_store.run(sending.begin, [chunk.id])
        lost = LostSend("no answer", settle_ms=settle_ms)
        await self.account_store.run(sending.unknown, chunk.id, lost)

    async def recall(self, message_id: str) -> RecallResult:
        fact = Undone("default", LAN, message_id, LAN.id)
        return await self.account_store.run(recall.undone, fact, 1000)

    def turn(self, number: int) -> tuple[str, str]:
        standing = self._standing(number)
        return standing.state, standing.reason

    def tools(self, number: int) -> str:
        return self._standing(number).tools

    def _standing(self, number: int) -> Turn:
        with self.store.read() as reader:
            [found] = reader.decided(f"m{number}")
        assert found.standing is not None
        return found.standing

    def rows(self) -> list[Listed]:
        with self.store.read() as reader:
            return reader.outbox(settled=True)

    def states(self) -> list[tuple[str, str]]:
        return [(row.text, row.state) for row in self.rows()]


@pytest.fixture
def desk(store: Store, account_store: AccountStore, clock: Clock) -> Desk:
    return Desk(store, account_store, clock)


async def test_a_step_is_stored_with_what_its_calls_send(desk: Desk) -> None:
    turn = await desk.begin()
    assert await desk.step(turn, 1, '"a"', says("one", "two"), says("three", call=1))
    assert await desk.step(turn, 2, '"b"')
    assert await desk.stored(turn) == ('"a"', '"b"')
    assert desk.states() == [("one", "queued"), ("two", "queued"), ("three", "queued")]


async def test_a_step_that_is_stored_again_changes_nothing(desk: Desk) -> None:
    turn = await desk.begin()
    assert await desk.step(turn, 1, '"a"', says("one"))
    assert await desk.step(turn, 1, '"other"', says("other"))
    assert await desk.step(turn, 2, '"b"', says("the same call"))
    assert await desk.stored(turn) == ('"a"', '"b"')
    assert desk.states() == [("one", "queued")]


async def test_a_void_run_writes_nothing(desk: Desk) -> None:
    turn = await desk.begin()
    before = desk.runs[turn]
    await desk.begin(turn)
    desk.runs[turn] = before
    assert not await desk.step(turn, 1, '"a"', says("one"))
    assert (await desk.stored(turn), desk.states()) == ((), [])


async def test_after_a_crash_the_next_run_finds_the_steps(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    await desk.account_store.run(turns.recover)
    await desk.begin(turn)
    assert await desk.stored(turn) == ('"a"',)
    assert await desk.step(turn, 2, '"b"')
    assert desk.states() == [("one", "queued")]


async def test_what_tools_send_leaves_in_order_before_the_reply(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one", "two"), says("three", call=1))
    await desk.answer(turn, "reply")
    assert [await desk.deliver() for _ in range(4)] == ["one", "two", "three", "reply"]
    assert desk.turn(1) == ("done", "")


async def test_the_turn_is_over_with_its_reply_whatever_a_tool_still_has_to_send(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("elsewhere", thread=HUNG))
    await desk.answer(turn, "reply")
    assert await desk.deliver() == "reply"
    assert desk.turn(1) == ("done", "")
    assert await desk.deliver(HUNG) == "elsewhere"


async def test_a_chunk_of_a_tool_knows_the_whole_text_of_its_call(desk: Desk) -> None:
    turn = await desk.begin()
    react = ToolSend(1, 2, (Reaction(LAN, "77", "HEART", "78"),))
    await desk.step(turn, 1, '"a"', says("one", "two"), says("other", call=1), react)
    first = await desk.next()
    assert (first.reply, first.begun, first.answers, first.text_id) == ("one\ntwo", False, turn, -first.id)
    await desk.deliver()
    second = await desk.next()
    assert (second.reply, second.begun, second.text_id) == ("one\ntwo", True, -first.id)
    await desk.deliver()
    await desk.deliver()
    reaction = await desk.next()
    assert (reaction.out, reaction.reply, reaction.text_id) == (
        Reaction(LAN, "77", "HEART", "78", reaction.out.client_id),
        "",
        None,
    ), "a reaction is no text"


async def test_the_guard_against_loops_lets_others_pass_what_a_tool_repeats(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("again", "and again"), says("other", call=1))
    held = await desk.next()
    assert await desk.account_store.run(sending.hold, {held.id: LOOP}) == ()
    assert await desk.deliver() == "other"
    desk.clock.ms = LOOP.until_ms
    assert [await desk.deliver() for _ in range(2)] == ["again", "and again"]


async def test_a_refusal_ends_what_the_call_sends_and_nothing_else(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one", "two"), says("three", call=1))
    refused = await desk.next()
    await desk.account_store.run(sending.begin, [refused.id])
    outcome = await desk.account_store.run(sending.refused, refused.id, "you are blocked")
    assert outcome.turn is None
    assert desk.states() == [("one", "refused"), ("two", "cancelled"), ("three", "queued")]


async def test_an_unknown_fate_is_decided_alone_and_holds_the_reply_back_only_in_its_thread(
    desk: Desk,
) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one", thread=HUNG))
    await desk.lose(HUNG)
    await desk.answer(turn, "reply")
    assert await desk.deliver() == "reply"
    assert desk.turn(1) == ("done", "")
    [lost] = desk.rows()
    assert (lost.by_tool, lost.answers, lost.part, lost.parts, lost.needs_decision) == (
        True,
        "m1",
        1,
        1,
        True,
    )
    assert await desk.account_store.run(unknown_sends.arrived, lost.id) is None
    assert desk.rows() == []


async def test_nobody_looks_for_a_lost_reaction_among_messages(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', ToolSend(1, 0, (Reaction(LAN, "77", "HEART", "78"),)))
    await desk.lose(settle_ms=60_000)
    desk.clock.ms += 30_000
    assert await desk.account_store.run(catch_up.to_look_up, 1000) == []
    assert [row.needs_decision for row in desk.rows()] == [True]


async def test_a_lost_text_of_a_tool_is_looked_up_and_sent_again(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    await desk.lose(settle_ms=60_000)
    desk.clock.ms += 30_000
    assert await desk.account_store.run(catch_up.to_look_up, 1000) == [ThreadKind.DM]


async def test_a_lost_text_of_a_tool_is_missing_once_look_ups_reach_the_message_it_answers(
    desk: Desk,
) -> None:
    turn, since_ms = await desk.begin(), desk.clock.ms
    await desk.step(turn, 1, '"a"', says("one"), says("two", call=1))
    await desk.deliver()
    await desk.lose(settle_ms=600_000)
    for missing in (0, 1):
        desk.clock.ms += 30_000
        asked = LookUp(ThreadKind.DM, since_ms, desk.clock.ms, frozenset({"r1"}), "")
        assert await desk.account_store.run(unknown_sends.absent, asked, 1000) == missing


async def test_stop_cancels_what_tools_have_not_sent(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"), says("two", call=1))
    await desk.deliver()
    stop = await desk.read_message("/stop")
    assert await desk.account_store.run(turns.stop, stop) == [turn]
    assert desk.states() == [("two", "cancelled")]
    assert not await desk.step(turn, 2, '"b"', says("three"))
    assert desk.tools(1) == "of 2 parts, 1 arrived, 2 not sent"


async def test_a_revocation_cancels_what_tools_have_not_sent(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"), says("two", call=1), says("else", call=2, thread=HUNG))
    waits = await desk.next()
    await desk.account_store.run(sending.not_admitted, waits.id, "the sender is no longer admitted")
    assert [state for _, state in desk.states()] == ["refused", "cancelled", "cancelled"]


async def test_a_turn_that_is_revoked_before_it_runs_again_sends_nothing_more(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    await desk.account_store.run(turns.recover)
    drop = Decision(Outcome.DROP, Reason.DM_DISABLED, ADMIT.rule)
    await desk.account_store.run(turns.revoke, turn, drop)
    assert desk.states() == [("one", "cancelled")]


async def test_a_recall_of_the_only_message_ends_the_turn_and_its_texts(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"secret"', says("one"), says("two", call=1))
    await desk.deliver()
    recalled = await desk.recall("m1")
    assert recalled.ended == (turn,)
    assert (await desk.stored(turn), desk.states()) == ((), [("", "cancelled")])
    assert desk.turn(1)[0] == "recalled"


async def test_a_recalled_turn_starts_over_without_its_steps_if_nothing_has_left(desk: Desk) -> None:
    turn = await desk.begin(await desk.read_pair())
    await desk.step(turn, 1, '"a"', says("one"))
    recalled = await desk.recall("m1")
    assert [again.seq for again in recalled.again] == [turn]
    assert (await desk.stored(turn), desk.states()) == ((), [])
    await desk.begin(turn)
    assert await desk.step(turn, 1, '"b"', says("other"))
    assert desk.states() == [("other", "queued")]


async def test_a_recalled_turn_is_over_if_a_tool_has_sent_something(desk: Desk) -> None:
    turn = await desk.begin(await desk.read_pair())
    await desk.step(turn, 1, '"a"', says("one"), says("two", call=1))
    await desk.deliver()
    recalled = await desk.recall("m1")
    assert (recalled.ended, recalled.again) == ((turn,), ())


async def test_a_recall_after_the_turn_cancels_what_a_tool_still_has_to_send_elsewhere(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one", thread=HUNG))
    chunk = await desk.next(HUNG)
    await desk.account_store.run(sending.begin, [chunk.id])
    await desk.answer(turn, "reply")
    await desk.deliver()
    await desk.recall("m1")
    await desk.account_store.run(sending.retry, chunk.id, "later", desk.clock.ms)
    assert desk.states() == [("", "cancelled")]


async def test_an_expired_pause_takes_what_tools_queued_and_a_flush_brings_it_back(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    await desk.answer(turn, "reply")
    pause = Pause(LANE, None, PauseLevel.MUTE, desk.clock.ms, None)
    await desk.account_store.run(pauses.pause, pause)
    desk.clock.ms += 1000
    await desk.account_store.run(pauses.resume, None, desk.clock.ms, flush=False)
    assert [state for _, state in desk.states()] == ["expired", "expired"]
    await desk.account_store.run(pauses.resume, None, desk.clock.ms, flush=True)
    assert desk.states() == [("one", "queued"), ("reply", "queued")]


async def test_stop_ends_a_turn_whose_agent_was_busy(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one"))
    assert await desk.account_store.run(turns.postpone, turn, "agent_busy", desk.runs[turn])
    stop = await desk.read_message("/stop")
    assert await desk.account_store.run(turns.stop, stop) == [turn]
    assert desk.turn(1)[0] == "stopped"
    assert desk.states() == [("one", "cancelled")]


async def test_stop_leaves_what_has_not_begun_whatever_was_taken_out_of_it(desk: Desk) -> None:
    await desk.read_pair()
    assert len((await desk.recall("m1")).again) == 1
    stop = await desk.read_message("/stop")
    assert await desk.account_store.run(turns.stop, stop) == []


async def test_a_recalled_turn_is_over_if_its_tools_may_have_changed_something(desk: Desk) -> None:
    turn = await desk.begin(await desk.read_pair())
    await desk.step(turn, 1, '"a"')
    begun = await desk.account_store.run(tool_calls.begin, turn, desk.runs[turn], 1, 0, "pay")
    assert begun.state is CallState.NEW
    recalled = await desk.recall("m1")
    assert (recalled.ended, recalled.again) == ((turn,), ()), "it is not made again"


async def test_what_the_operator_drops_takes_the_rest_of_its_call_along(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', says("one", "two", "three"), says("other", call=1))
    second = desk.rows()[1]
    assert await desk.account_store.run(unknown_sends.drop, second.id) is None
    assert [state for _, state in desk.states()] == ["queued", "cancelled", "cancelled", "queued"]


@pytest.mark.parametrize("by_tool", [True, False])
async def test_what_was_taken_back_on_its_way_is_not_sent_by_the_next_process(
    desk: Desk, by_tool: bool
) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"a"', *([says("one")] if by_tool else []))
    await desk.answer(turn, "reply")
    chunk = await desk.next()
    await desk.account_store.run(sending.begin, [chunk.id])
    await desk.recall("m1")
    await desk.account_store.run(sending.put_back, [chunk.id])
    assert (await desk.account_store.run(due.waiting)).chunks == ()


async def test_what_a_revoked_sender_was_answered_is_forgotten(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"secret"')
    await desk.account_store.run(turns.recover)
    drop = Decision(Outcome.DROP, Reason.DM_DISABLED, ADMIT.rule)
    await desk.account_store.run(turns.revoke, turn, drop)
    assert await desk.stored(turn) == ()


async def test_a_dead_letter_takes_its_steps_along_when_it_is_dropped(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"secret"')
    await desk.account_store.run(turns.fail, turn, "no idea", desk.runs[turn], final=True)
    await desk.account_store.run(turns.drop_dead_letter, "m1")
    assert await desk.stored(turn) == ()


async def test_dead_letters_that_are_forgotten_leave_no_text(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "DEAD_LETTERS", 0)
    turn = await desk.begin(await desk.read_pair())
    await desk.step(turn, 1, '"secret"')
    await desk.account_store.run(turns.fail, turn, "no idea", desk.runs[turn], final=True)
    await desk.account_store.run(retention.prune)
    assert await desk.stored(turn) == ()
    assert await desk.account_store.run(_count, "messages WHERE body IS NOT NULL") == 0


async def test_steps_and_sends_go_with_their_turn(desk: Desk) -> None:
    turn = await desk.begin()
    await desk.step(turn, 1, '"secret"', says("one"))
    await desk.deliver()
    await desk.answer(turn, "reply")
    await desk.deliver()
    desk.clock.ms += BUILT_IN.text_ms + 1
    await desk.account_store.run(retention.prune)
    assert await desk.stored(turn) == ()
    assert await desk.account_store.run(_count, "outbox WHERE body <> ''") == 0
    desk.clock.ms += BUILT_IN.decisions_ms
    while await desk.account_store.run(retention.prune):
        pass
    assert [await desk.account_store.run(_count, table) for table in ("outbox", "turns")] == [0, 0]


def _count(tx: Tx, what: str) -> int:
    return int(tx.db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
