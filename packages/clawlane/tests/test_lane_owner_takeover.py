"""The owner writes in a thread while its lane works: what runs ends, what waits is left to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from packages.clawlane.tests.lane_bench import OPEN, Bench, Echo, Gated, Wire, message, until
from packages.clawlane.tests.opened_store import LANE, NOW

from clawlane.access.policy import Grants
from clawlane.agents.contract import TurnInput
from clawlane.messages import Own, Reply, Thread, ThreadKind, Typing
from clawlane.store import owner_takeovers

DM = Thread(ThreadKind.DM, "11")
HALF_AN_HOUR = 1_800_000


@dataclass
class Remembering:
    """An agent that answers, and keeps what it was given as context."""

    context: list[tuple[str, bool]] = field(default_factory=list)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.context = [(one.text, one.by_owner) for one in turn.history]
        return Reply(turn.message.text)


@pytest.fixture
def owned(bench: Bench) -> Bench:
    """An account whose owner may take threads over."""
    bench.policy = replace(OPEN, takeover_ms=HALF_AN_HOUR)
    bench.grants = lambda: Grants(own_id="1")
    return bench


def mine(text: str, thread: Thread = DM, **more: Any) -> Own:
    return Own("default", f"o-{text}", "77", thread, text, NOW, **more)


def held(bench: Bench) -> list[Thread]:
    with bench.store.read() as reader:
        return [one.thread for one in reader.taken_over(LANE, bench.clock.ms)]


def taken(bench: Bench) -> Callable[[], bool]:
    return lambda: held(bench) == [DM]


async def test_a_running_turn_ends_with_its_typing_and_other_threads_go_on(owned: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with owned.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(1, "22"))
        assert {await agent.begun.get(), await agent.begun.get()} == {"11: 1", "22: 1"}
        while await wire.shown.get() != Typing(DM):  # the other thread's may come several times before
            pass
        wire.incoming.put_nowait(mine("Để mình"))
        wire.incoming.put_nowait(message(2))
        await until(taken(owned))
        assert await agent.ended.get() == "11: 1"
        agent.allowed.release()
        assert await wire.sent(1) == ["22: 1"]
        wire.incoming.put_nowait(message(2, "22"))
        assert await agent.begun.get() == "22: 2", "nothing more of the thread is given to the agent"
    assert wire.outgoing.empty()
    assert owned.states() == {}


async def test_what_came_meanwhile_goes_with_the_next_answer(owned: Bench) -> None:
    wire, agent = Wire(), Remembering()
    async with owned.running(wire, agent):
        wire.incoming.put_nowait(mine("Để mình"))
        wire.incoming.put_nowait(message(1))
        await wire.read_all()
        await until(lambda: owned.counters().get("owner_took_over") == 1)
        owned.clock.ms += HALF_AN_HOUR
        wire.incoming.put_nowait(replace(message(2), sent_ms=owned.clock.ms))
        assert await wire.sent(1) == ["11: 2"]
        assert agent.context == [("Để mình", True), ("11: 1", False)]


async def test_the_verdict_waits_for_what_is_on_its_way_and_then_cancels_the_rest(owned: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with owned.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="one|two"))
        await wire.taken.wait()
        wire.incoming.put_nowait(mine("Để mình"))
        await wire.read_all()
        assert held(owned) == []
        wire.answer.set()
        assert await wire.sent(1) == ["one"]
        await until(taken(owned))
    assert wire.outgoing.empty()
    assert owned.states() == {}


@pytest.mark.parametrize("client_id", [str(NOW), "foreign"])
async def test_the_echo_of_a_part_lets_the_rest_leave(owned: Bench, client_id: str) -> None:
    wire = Wire()
    wire.answer.clear()
    async with owned.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="one|two"))
        await wire.taken.wait()
        wire.incoming.put_nowait(replace(mine("one"), client_id=client_id))
        await wire.read_all()
        wire.answer.set()
        assert await wire.sent(2) == ["one", "two"]
    assert held(owned) == []


async def test_an_echo_in_question_holds_the_rest_until_the_receipt_tells(owned: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with owned.running(wire, Echo()) as runner:
        wire.incoming.put_nowait(message(1, text="one|two"))
        await wire.taken.wait()
        wire.incoming.put_nowait(replace(mine("one, changed"), message_id=f"r{NOW}"))
        await wire.read_all()
        await until(lambda: runner._deps.gate.in_question.in_question == (DM,))
        wire.answer.set()
        assert await wire.sent(2) == ["one", "two"]
    assert held(owned) == []


async def test_it_holds_over_a_restart_until_the_operator_ends_it(owned: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with owned.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        await agent.begun.get()
        wire.incoming.put_nowait(mine("Để mình"))
        await until(taken(owned))
    again = Wire()
    async with owned.running(again, Echo()) as runner:
        again.incoming.put_nowait(message(2))
        await until(lambda: owned.counters().get("owner_took_over") == 2)
        assert await owned.account_store.run(owner_takeovers.end, DM)
        runner._deps.gate.give_back(DM)
        again.incoming.put_nowait(message(3))
        assert await again.sent(1) == ["11: 3"]


async def test_the_thread_with_oneself_is_never_taken_over(owned: Bench) -> None:
    wire = Wire()
    async with owned.running(wire, Echo()):
        wire.incoming.put_nowait(mine("a note", Thread(ThreadKind.DM, "1")))
        wire.incoming.put_nowait(message(1))
        assert await wire.sent(1) == ["11: 1"]
    assert held(owned) == []


async def test_without_the_setting_the_owner_takes_nothing_over(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(mine("Để mình"))
        wire.incoming.put_nowait(message(1))
        assert await wire.sent(1) == ["11: 1"]
    assert held(bench) == []
