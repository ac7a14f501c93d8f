"""From an admitted message to its receipt, with a channel that is a queue in and a list out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from packages.clawlane.tests.lane_bench import (
    GROUP,
    LISTENING,
    NOW,
    READY,
    Bench,
    Echo,
    Gated,
    Wire,
    message,
    said,
)

from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import Account, NeedsLogin, NotSent, Phase, Refused, State, Unknown
from clawlane.config.settings import Pacing
from clawlane.lane.pacing import Pacer
from clawlane.lane.scheduler import IN_MEMORY, ThreadScheduler
from clawlane.messages import (
    Delivered,
    Outgoing,
    Own,
    Receipt,
    Reply,
    Seen,
    Thread,
    ThreadKind,
    Typing,
    Undone,
)
from clawlane.store import due
from clawlane.store.models import OpenTurn
from clawlane.store.states import TurnState


class Failing:
    async def run(self, turn: TurnInput) -> Reply | None:
        if "bad" in turn.message.text:
            raise RuntimeError("no idea")
        return Reply(turn.message.text)


async def test_a_message_is_answered_in_parts_and_in_order(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="a|b|c"))
        wire.incoming.put_nowait(message(2, text="d"))
        assert await wire.sent(4) == ["a", "b", "c", "d"]


async def test_a_message_that_comes_twice_is_answered_once(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        for number in (1, 1, 2, 1, 2, 3):
            wire.incoming.put_nowait(message(number))
        assert await wire.sent(3) == ["11: 1", "11: 2", "11: 3"]


async def test_each_thread_keeps_its_order_and_threads_run_side_by_side(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        for number in range(2):
            for sender in ("11", "22", "33"):
                wire.incoming.put_nowait(message(number, sender))
        begun = {await agent.begun.get() for _ in range(3)}
        assert begun == {"11: 0", "22: 0", "33: 0"}, "one turn of each thread, none of its second"
        for _ in range(6):
            agent.allowed.release()
        sent = await wire.sent(6)
        for sender in ("11", "22", "33"):
            assert [text for text in sent if text.startswith(sender)] == [f"{sender}: 0", f"{sender}: 1"]


async def test_a_message_that_is_taken_back_while_it_waits_is_not_answered(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        wire.incoming.put_nowait(Undone("default", Thread(ThreadKind.DM, "11"), "m11-2", "11"))
        wire.incoming.put_nowait(message(3))
        await agent.begun.get()
        agent.allowed.release()
        agent.allowed.release()
        assert await wire.sent(2) == ["11: 1", "11: 3"]


async def test_only_so_many_agents_run_at_once(bench: Bench) -> None:
    bench.slots = 2
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        for sender in ("11", "22", "33"):
            wire.incoming.put_nowait(message(1, sender))
        first = {await agent.begun.get(), await agent.begun.get()}
        assert agent.begun.empty()
        agent.allowed.release()
        third = await agent.begun.get()
        assert first | {third} == {"11: 1", "22: 1", "33: 1"}
        agent.allowed.release()
        agent.allowed.release()
        await wire.sent(3)


async def test_an_agent_that_fails_ends_its_turn_and_not_the_lane(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Failing()):
        wire.incoming.put_nowait(message(1, text="bad"))
        wire.incoming.put_nowait(message(2, text="good"))
        assert await wire.sent(1) == ["good"]


async def test_a_sender_who_was_revoked_while_waiting_is_not_answered(bench: Bench) -> None:
    paired = frozenset({"11", "22"})
    bench.policy, bench.grants = AccessPolicy(), lambda: Grants(paired=paired)
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        wire.incoming.put_nowait(message(1, "22"))
        await agent.begun.get()
        await agent.begun.get()
        paired = frozenset({"22"})
        agent.allowed.release()
        agent.allowed.release()
        assert sorted(await wire.sent(2)) == ["11: 1", "22: 1"]
        agent.allowed.release()
        wire.incoming.put_nowait(message(2, "22"))
        assert await wire.sent(1) == ["22: 2"]
        assert agent.begun.get_nowait() == "22: 2", "the second message of 11 never reached the agent"
        with bench.store.read() as reader:
            assert reader.activity("zalouser/default").counters["revoked_before_run"] == 1


async def test_waiting_in_the_lane_does_not_make_a_message_too_old(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        await agent.begun.get()
        bench.clock.ms += 60 * 60_000
        agent.allowed.release()
        agent.allowed.release()
        assert await wire.sent(2) == ["11: 1", "11: 2"]


async def test_a_turn_that_was_running_at_the_stop_runs_again(bench: Bench) -> None:
    agent = Gated()
    wire = Wire()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        await agent.begun.get()
    again = Wire()
    async with bench.running(again, Echo()):
        assert await again.sent(2) == ["11: 1", "11: 2"]


async def test_a_reply_that_was_queued_at_the_stop_goes_without_the_agent(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(NotSent("the line is down", retry_in=60))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        wire.incoming.put_nowait(State(Phase.CONNECTING))
    bench.clock.ms += 3_600_000
    again, untouched = Wire(), Gated()
    async with bench.running(again, untouched):
        assert await again.sent(1) == ["11: 1"]
        assert untouched.begun.empty()


async def test_a_chunk_that_was_on_its_way_at_the_stop_is_never_sent_again_blindly(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
    again = Wire()
    async with bench.running(again, Echo()):
        again.incoming.put_nowait(message(2))
        assert await again.sent(1) == ["11: 2"], "the lane goes on"
        assert bench.states()["unknown"] == 1


async def test_its_echo_tells_that_an_unknown_chunk_arrived(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(Unknown("no answer"))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="a|b"))
        wire.incoming.put_nowait(message(2, text="next"))
        assert await wire.sent(1) == ["next"]
        wire.incoming.put_nowait(Own("default", "z1", str(NOW), Thread(ThreadKind.DM, "11"), "a", NOW))
        assert await wire.sent(1) == ["b"], "the rest of the reply follows"


@pytest.mark.parametrize("trouble", [NotSent("the line is down", retry_in=0.0), NeedsLogin("logged out")])
async def test_what_did_not_leave_is_sent_once_it_can(bench: Bench, trouble: Exception) -> None:
    wire = Wire()
    wire.troubles.append(trouble)
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        wire.incoming.put_nowait(State(Phase.CONNECTING))
        wire.incoming.put_nowait(READY)
        assert await wire.sent(1) == ["11: 1"]


async def test_nothing_is_sent_before_the_channel_is_ready(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, agent := Gated()) as account:
        account.report(State(Phase.NEEDS_LOGIN))
        wire.incoming.put_nowait(message(1))
        await agent.begun.get()
        agent.allowed.release()
        wire.incoming.put_nowait(State(Phase.DEGRADED))
        assert await wire.sent(1) == ["11: 1"]


async def test_a_refused_part_ends_the_reply_and_the_lane_goes_on(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(Refused("you are blocked"))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="a|b"))
        wire.incoming.put_nowait(message(2, text="c"))
        assert await wire.sent(1) == ["c"]


async def test_a_stop_waits_for_the_answer_to_what_is_on_its_way(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Echo()) as account:
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        parked = asyncio.create_task(account.park())
        wire.answer.set()
        await parked
    assert bench.states() == {}


async def test_a_stop_is_not_over_before_the_answer_came(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Echo()) as account:
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        parked = asyncio.create_task(account.park())
        for _ in range(50):  # turns of the loop, more than a stop needs that waits for nothing
            await asyncio.sleep(0)
        assert not parked.done()
        wire.answer.set()
        await parked


async def test_a_stranger_gets_a_challenge_through_the_same_gate(bench: Bench) -> None:
    bench.policy = AccessPolicy()
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        [text] = await wire.sent(1)
        assert "Your pairing code: " in text


async def test_a_burst_of_a_thousand_is_admitted_and_answered(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        for number in range(1000):
            wire.incoming.put_nowait(message(number, str(11 + number % 30)))
        assert len(set(await wire.sent(1000))) == 1000


@dataclass
class Recording:
    """An agent that keeps the texts of the history it was given, and fails when told to."""

    given: asyncio.Queue[tuple[str, ...]] = field(default_factory=asyncio.Queue)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.given.put_nowait(tuple(pended.text for pended in turn.history))
        if "fail" in turn.message.text:
            raise RuntimeError("told to fail")
        return Reply("ok")


@pytest.fixture
def group(bench: Bench) -> Bench:
    bench.policy, bench.grants = LISTENING, lambda: Grants(own_id="100", skew_ms=0)
    return bench


async def test_exactly_what_went_with_a_turn_is_forgotten_when_it_settles(group: Bench) -> None:
    wire, agent = Wire(), Recording()
    wire.answer.clear()
    async with group.running(wire, agent):
        wire.incoming.put_nowait(said(1, "one"))
        wire.incoming.put_nowait(said(2, "@bot", mention=True))
        assert await agent.given.get() == ("one",)
        wire.incoming.put_nowait(said(3, "two"))
        wire.answer.set()
        await wire.sent(1)
        wire.incoming.put_nowait(said(4, "@bot", mention=True))
        assert await agent.given.get() == ("two",)


async def test_a_turn_takes_only_what_was_said_before_its_message(group: Bench) -> None:
    wire, agent = Wire(), Recording()
    group.slots = 0
    async with group.running(wire, agent):
        wire.incoming.put_nowait(said(1, "@bot", mention=True))
        wire.incoming.put_nowait(said(2, "later"))
        await wire.read_all()
    group.slots = 1
    async with group.running(Wire(), agent):
        assert await agent.given.get() == ()


async def test_a_turn_that_failed_or_was_cut_off_keeps_its_history(group: Bench) -> None:
    wire, agent = Wire(), Recording()
    async with group.running(wire, agent):
        wire.incoming.put_nowait(said(1, "one"))
        wire.incoming.put_nowait(said(2, "@bot fail", mention=True))
        assert await agent.given.get() == ("one",)
        wire.answer.clear()
        wire.incoming.put_nowait(said(3, "@bot", mention=True))
        assert await agent.given.get() == ("one",)
        await wire.taken.wait()
    again = Wire()
    async with group.running(again, agent):
        again.incoming.put_nowait(said(4, "@bot", mention=True))
        assert await agent.given.get() == ("one",), "nobody knows whether that answer arrived"


async def test_only_the_newest_messages_of_a_group_are_remembered(group: Bench) -> None:
    group.policy = replace(LISTENING, history_limit=2)
    wire, agent = Wire(), Recording()
    async with group.running(wire, agent):
        for number in range(4):
            wire.incoming.put_nowait(said(number, str(number)))
        wire.incoming.put_nowait(said(9, "@bot", mention=True))
        assert await agent.given.get() == ("2", "3")


async def test_what_is_too_old_to_be_answered_is_still_context(group: Bench) -> None:
    wire, agent = Wire(), Recording()
    async with group.running(wire, agent):
        wire.incoming.put_nowait(
            replace(said(1, "@bot of an hour ago", mention=True), sent_ms=NOW - 3_600_000)
        )
        wire.incoming.put_nowait(said(2, "@bot", mention=True))
        assert await agent.given.get() == ("@bot of an hour ago",)
    assert group.counters() == {"group_admitted": 1, "too_old": 1}


async def test_an_undo_in_the_same_breath_finds_its_message(group: Bench) -> None:
    wire, agent = Wire(), Recording()
    async with group.running(wire, agent):
        wire.incoming.put_nowait(said(1, "oops"))
        wire.incoming.put_nowait(Undone("default", GROUP, "g1", "11"))
        wire.incoming.put_nowait(said(2, "@bot", mention=True))
        assert await agent.given.get() == ()


async def test_messages_wait_undecided_until_the_account_is_ready_and_survive_a_crash(group: Bench) -> None:
    known = asyncio.Event()
    group.ready = known.wait
    wire, agent = Wire(), Recording()
    async with group.running(wire, agent):
        wire.incoming.put_nowait(said(1, "one"))
        wire.incoming.put_nowait(said(2, "taken back"))
        wire.incoming.put_nowait(Undone("default", GROUP, "g2", "11"))
        wire.incoming.put_nowait(said(3, "@bot", mention=True))
        await wire.read_all()
        assert group.counters() == {}, "nothing has been decided"
    again = Wire()
    async with group.running(again, agent):
        again.incoming.put_nowait(said(4, "two"))
        again.incoming.put_nowait(said(5, "@bot", mention=True))
        await again.read_all()
        known.set()
        assert await agent.given.get() == ("one",)
        assert await agent.given.get() == ("two",)
    assert group.counters() == {"group_admitted": 2, "mention_required": 2}


async def test_a_stop_ends_what_runs_in_its_thread_and_what_waits_goes_on(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(1, "22"))
        assert {await agent.begun.get(), await agent.begun.get()} == {"11: 1", "22: 1"}
        wire.incoming.put_nowait(message(2))
        wire.incoming.put_nowait(message(3, text="/stop"))
        assert await agent.begun.get() == "11: 2"
        for _ in range(2):
            agent.allowed.release()
        assert set(await wire.sent(3)) == {"11: 2", "Stopped.", "22: 1"}, "the other thread is not touched"


async def test_a_stop_keeps_the_parts_back_that_have_not_left(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="a|b|c"))
        await wire.taken.wait()
        wire.incoming.put_nowait(message(2, text="/stop"))
        assert await wire.shown.get() == Typing(Thread(ThreadKind.DM, "11"))
        assert [await wire.planned.get(), await wire.planned.get()] == ["a|b|c", "Stopped."]
        wire.answer.set()
        assert await wire.sent(2) == ["a", "Stopped."]
    with bench.store.read() as reader:
        [stopped] = reader.decided("m11-1")
    assert stopped.standing.state == "stopped"
    assert stopped.standing.reason == "stopped: of 3 parts, 1 on its way, 2–3 not sent"


async def test_others_see_what_the_decision_allows(group: Bench) -> None:
    wire = Wire()
    async with group.running(wire, Echo()):
        wire.incoming.put_nowait(said(1, "aside", token="t1"))
        wire.incoming.put_nowait(said(2, "no ids in the event", mention=True))
        wire.incoming.put_nowait(said(3, "@bot", mention=True, token="t3"))
        shown = [await wire.shown.get() for _ in range(5)]
    assert shown[0] == Delivered(GROUP, "g1", seen=False, token="t1")
    assert Delivered(GROUP, "g3", seen=True, token="t3") in shown
    assert Seen(GROUP, "g3", "t3") in shown
    assert shown.count(Typing(GROUP)) == 2


async def test_a_signal_that_fails_is_of_no_consequence(group: Bench) -> None:
    wire = Wire()
    wire.blind = True
    async with group.running(wire, Echo()):
        wire.incoming.put_nowait(said(1, "@bot", mention=True, token="t1"))
        assert await wire.sent(1) == ["@bot"]


class Odd:
    """An agent that fails in ways of its own as often as it is told to, and then answers."""

    def __init__(self, error: BaseException, times: int) -> None:
        self.error, self.left = error, times

    async def run(self, turn: TurnInput) -> Reply | None:
        if self.left:
            self.left -= 1
            raise self.error
        return Reply(turn.message.text)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(3), TimeoutError()])
async def test_whatever_an_agent_lets_out_only_fails_its_turn(bench: Bench, error: BaseException) -> None:
    wire = Wire()
    async with bench.running(wire, Odd(error, times=1)):
        wire.incoming.put_nowait(message(1, text="one"))
        wire.incoming.put_nowait(message(2, text="two"))
        assert await wire.sent(2) == ["one", "two"]


async def test_an_agent_that_is_always_cancelled_does_not_hold_its_conversation(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Odd(asyncio.CancelledError(), times=4)):
        wire.incoming.put_nowait(message(1, text="one"))
        wire.incoming.put_nowait(message(2, text="two"))
        assert await wire.sent(1) == ["two"]


async def test_what_an_agents_error_says_is_not_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire()
    async with bench.running(wire, Odd(RuntimeError("they wrote: tôi buồn"), times=4)):
        wire.incoming.put_nowait(message(1, text="one"))
        wire.incoming.put_nowait(message(2, text="two"))
        await wire.sent(1)
    assert "RuntimeError" in caplog.text
    assert "tôi buồn" not in caplog.text
    with bench.store.read() as reader:
        assert "tôi buồn" in str(reader.dead_letters())


async def test_what_the_platform_puts_off_is_not_tried_again_before_that(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(NotSent("too much; later", retry_in=1800))
    async with bench.running(wire, Echo()) as account:
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        await account.park()
    assert (await bench.account_store.run(due.waiting)).due_ms == NOW + 1_800_000


async def test_each_wait_before_another_try_is_twice_as_long_as_the_last(bench: Bench) -> None:
    wire = Wire()
    wire.incoming.put_nowait(message(1))
    for seconds in (10, 20, 40):
        wire.taken.clear()
        wire.troubles.append(NotSent("the line is down", retry_in=10))
        async with bench.running(wire, Echo()) as account:
            await wire.taken.wait()
            await account.park()
        due_ms = (await bench.account_store.run(due.waiting)).due_ms
        assert due_ms == bench.clock.ms + 1000 * seconds
        bench.clock.ms = due_ms


async def test_typing_is_shown_before_its_reply(bench: Bench) -> None:
    wire = Wire()
    shown_before: list[bool] = []
    send = wire.send

    async def noting(account: Account, out: Outgoing) -> Receipt:
        shown_before.append(wire.shown.qsize() == len(shown_before) + 1)
        return await send(account, out)

    wire.send = noting  # type: ignore[method-assign]
    async with bench.running(wire, Echo()):
        for number in range(20):
            wire.incoming.put_nowait(message(number, str(number + 11)))
            await wire.sent(1)
    assert shown_before == [True] * 20


async def test_a_reply_that_steps_aside_does_not_keep_its_lane(bench: Bench) -> None:
    wire = Wire()
    loop = {"sameText": {"times": 2}, "gap": "0s", "gapJitter": "0s"}
    bench.pacer = Pacer(Pacing.model_validate(loop), lambda: 0.0)
    async with bench.running(wire, Echo()):
        for number, text in enumerate(["ok", "ok", "ok", "ok", "next"]):
            wire.incoming.put_nowait(message(number, text=text))
        assert await wire.sent(3) == ["ok", "ok", "next"]
    bench.clock.ms += 600_000
    again = Wire()
    async with bench.running(again, Echo()):
        again.incoming.put_nowait(message(9, text="after it"))
        assert await again.sent(3) == ["ok", "ok", "after it"]


async def test_a_long_lane_keeps_its_order_and_has_only_its_first_turns_in_memory() -> None:
    thread = Thread(ThreadKind.DM, "11")
    turns = [OpenTurn(number, message(number), NOW, TurnState.WAITING) for number in range(40)]
    over = {11, 30}
    read, ran, done = [], [], asyncio.Event()

    async def run(turn: OpenTurn) -> None:
        ran.append(turn.seq)
        if turn.seq == 39:
            done.set()

    async def stop(turn: OpenTurn) -> list[int]:
        return []

    async def again(seq: int) -> OpenTurn | None:
        read.append(seq)
        return None if seq in over else turns[seq]

    async with ThreadScheduler(run, stop, again, lambda turn: turn.command == "/stop") as lanes:
        for turn in turns:
            assert turn.inbound.thread == thread
            lanes.put(turn)
        await done.wait()
    assert ran == [number for number in range(40) if number not in over]
    assert read == list(range(IN_MEMORY, 40))
