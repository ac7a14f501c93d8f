"""Recalls at the seam of the channel: what had begun, what had left in part, what several messages share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from packages.clawlane.tests.lane_bench import (
    GROUP,
    LISTENING,
    NOW,
    OPEN,
    Bench,
    Echo,
    Gated,
    Wire,
    message,
    said,
    until,
)

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.channel import NotSent, Phase, State, Unknown
from clawlane.config.choices import DmPolicy, PairingReply
from clawlane.messages import Deleted, Inbound, Reply, Thread, ThreadKind, Undone
from clawlane.ops.why import Item, Live, story
from clawlane.store import inbox, turns
from clawlane.store.errors import NoDeadLetter
from clawlane.store.models import AdmittedMessage, NewMessage, NoteResult
from clawlane.store.told import Recorded
from clawlane.words.stories import as_dict, lines
from clawlane.words.times import local

DM = Thread(ThreadKind.DM, "11")
LANE = "zalouser/default"
HOUR = 3_600_000


def undo(number: int, sender: str = "11") -> Undone:
    return Undone("default", Thread(ThreadKind.DM, sender), f"m{sender}-{number}", sender)


@dataclass
class Talking:
    """An agent that shows its turns, and answers each when it is told to."""

    begun: asyncio.Queue[TurnInput] = field(default_factory=asyncio.Queue)
    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def run(self, turn: TurnInput) -> Reply | None:
        self.begun.put_nowait(turn)
        await self.allowed.acquire()
        return Reply(turn.message.text)


def recorded(bench: Bench, message_id: str) -> Recorded:
    with bench.store.read() as reader:
        [found] = reader.decided(message_id)
    return found


def texts(bench: Bench) -> list[str]:
    """What is queued."""
    with bench.store.read() as reader:
        return [one.text for one in reader.outbox()]


def arrival(bench: Bench, inbound: Inbound) -> NewMessage:
    decision = Decision(Outcome.ADMIT, Reason.DM_OPEN, Rule("dmPolicy"))
    return NewMessage(inbound, decision, PairingReply.CODE, bench.clock.ms)


async def test_a_recall_cancels_the_agent_and_the_lane_goes_on(bench: Bench) -> None:
    wire, agent = Wire(), Gated()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        assert await agent.begun.get() == "11: 1"
        wire.incoming.put_nowait(undo(1))
        assert await agent.begun.get() == "11: 2"
        agent.allowed.release()
        assert await wire.sent(1) == ["11: 2"]
    assert recorded(bench, "m11-1").standing.reason == "recalled by its author"


async def test_what_is_on_the_wire_arrives_and_the_rest_of_the_reply_is_dropped(bench: Bench) -> None:
    wire = Wire()
    wire.answer.clear()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="one|two|three"))
        await wire.taken.wait()
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(2, text="next"))
        await wire.read_all()
        wire.answer.set()
        assert await wire.sent(2) == ["one", "next"]
    told = recorded(bench, "m11-1")
    assert told.standing.state == "recalled"
    assert told.standing.reason == "recalled by its author: of 3 parts, 1 arrived, 2–3 not sent"


async def test_a_send_that_failed_is_not_tried_again_after_a_recall(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(NotSent("the line is down", retry_in=60))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.taken.wait()
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(2, text="next"))
        assert await wire.sent(1) == ["next"]
        await until(lambda: not bench.states())
    assert recorded(bench, "m11-1").standing.reason == "recalled by its author: not sent"


async def test_what_may_have_arrived_is_not_asked_about_after_a_recall(bench: Bench) -> None:
    wire = Wire()
    wire.troubles.append(Unknown("the connection broke"))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1, text="one|two"))
        wire.incoming.put_nowait(message(2, "22"))
        assert await wire.sent(1) == ["22: 2"]
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(3, text="next"))
        assert await wire.sent(1) == ["next"]
        await until(lambda: not bench.states())  # nothing waits for the operator
    told = recorded(bench, "m11-1").standing.reason
    assert told.startswith("recalled by its author: of 2 parts, 1 of unknown fate")


async def test_a_recalled_dead_letter_is_gone(bench: Bench) -> None:
    @dataclass
    class Failing:
        async def run(self, turn: TurnInput) -> Reply | None:
            if "bad" in turn.message.text:
                raise RuntimeError(f"no idea about {turn.message.text}")
            return Reply(turn.message.text)

    wire = Wire()
    async with bench.running(wire, Failing()):
        wire.incoming.put_nowait(message(1, text="bad"))
        wire.incoming.put_nowait(message(2, text="good"))
        assert await wire.sent(1) == ["good"]
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(3, text="good again"))
        assert await wire.sent(1) == ["good again"]
        with bench.store.read() as reader:
            assert reader.dead_letters() == []
        with pytest.raises(NoDeadLetter):
            await bench.account_store.run(turns.resubmit, "m11-1")
    assert recorded(bench, "m11-1").standing.reason == "recalled by its author"


async def test_an_answered_message_loses_its_text_and_says_what_arrived(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        assert await wire.sent(1) == ["11: 1"]
        wire.incoming.put_nowait(message(2))
        assert await wire.sent(1) == ["11: 2"]
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(3))
        assert await wire.sent(1) == ["11: 3"]
    told = recorded(bench, "m11-1")
    assert (told.standing.state, told.standing.reason) == ("done", "recalled by its author: arrived")
    assert told.recalled == "recalled by its author"


async def test_a_message_that_was_given_as_context_is_taken_back_from_the_agent(bench: Bench) -> None:
    bench.policy = LISTENING
    bench.grants = lambda: Grants(own_id="100")
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(said(1, "secret"))
        wire.incoming.put_nowait(said(2, "kept"))
        wire.incoming.put_nowait(said(3, "@bot", mention=True))
        turn = await agent.begun.get()
        assert [one.text for one in turn.history] == ["secret", "kept"]
        wire.incoming.put_nowait(Undone("default", GROUP, "g1", "11"))
        turn = await agent.begun.get()
        assert [one.text for one in turn.history] == ["kept"]
        agent.allowed.release()
        assert await wire.sent(1) == ["@bot"]


async def test_the_owner_deletes_only_what_the_named_author_wrote(bench: Bench) -> None:
    bench.policy = LISTENING
    bench.grants = lambda: Grants(own_id="100")
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(said(1, "one"))
        wire.incoming.put_nowait(said(2, "two"))
        wire.incoming.put_nowait(Deleted("default", GROUP, "g1", "somebody else"))
        wire.incoming.put_nowait(Deleted("default", GROUP, "g2", "11"))
        wire.incoming.put_nowait(said(3, "@bot", mention=True))
        turn = await agent.begun.get()
        assert [one.text for one in turn.history] == ["one"]
    assert recorded(bench, "g2").recalled == "deleted by the account's owner"


@pytest.mark.parametrize("ids", [("m11-1", ""), ("0", "c1"), ("", "c1"), ("another", "c1")])
async def test_a_tombstone_waits_for_as_long_as_a_message_may_be_late(
    bench: Bench, ids: tuple[str, str]
) -> None:
    late = arrival(bench, replace(message(1), client_id="c1"))
    await bench.account_store.run(inbox.admit_all, [Undone("default", DM, ids[0], "11", ids[1])], HOUR)
    await bench.account_store.run(inbox.admit_all, [undo(2)], HOUR)
    bench.clock.ms += 2 * HOUR - 1
    assert await bench.account_store.run(inbox.admit_all, [late]) == [NoteResult()], (
        "no turn, no challenge, no ack"
    )
    bench.clock.ms += 1
    [second] = await bench.account_store.run(inbox.admit_all, [arrival(bench, message(2))])
    assert isinstance(second, AdmittedMessage), "its tombstone is gone"
    told = recorded(bench, "m11-1")
    assert (told.recalled, told.made, told.waiting) == ("recalled by its author", (), False)
    assert (await bench.account_store.run(inbox.admit_all, [late])) == [NoteResult()]
    assert recorded(bench, "m11-1").repeats == 1


async def test_a_tombstone_is_of_one_author_and_one_thread(bench: Bench) -> None:
    await bench.account_store.run(
        inbox.admit_all, [Undone("default", DM, "m11-1", "22"), Undone("default", GROUP, "m11-1", "11")]
    )
    [admitted] = await bench.account_store.run(inbox.admit_all, [arrival(bench, message(1))])
    assert isinstance(admitted, AdmittedMessage)


async def test_a_recalled_strangers_message_was_never_written(bench: Bench) -> None:
    bench.policy = AccessPolicy(dm=DmPolicy.PAIRING)
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(State(Phase.CONNECTING))
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(1, "22"))
        wire.incoming.put_nowait(message(2, "22"))
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(undo(1, "22"))
        await wire.read_all()
        wire.incoming.put_nowait(State(Phase.READY))
        [text] = await wire.sent(1)
        assert "Your id: 22" in text
        with bench.store.read() as reader:
            assert [one.sender_id for one in reader.requests(NOW)] == ["22"]
        await until(lambda: not texts(bench))


async def test_a_request_goes_although_it_was_stored_a_while_after_its_message_was_read(bench: Bench) -> None:
    asked = NewMessage(
        message(1),
        Decision(Outcome.CHALLENGE, Reason.DM_PAIRING_REQUIRED, Rule("dmPolicy")),
        PairingReply.SILENT,
        bench.clock.ms - 5,
    )
    await bench.account_store.run(inbox.admit_all, [asked])
    with bench.store.read() as reader:
        assert [one.sender_id for one in reader.requests(NOW)] == ["11"]
    bench.clock.ms += 1
    await bench.account_store.run(inbox.admit_all, [undo(1)])
    with bench.store.read() as reader:
        assert reader.requests(NOW) == []


def settled(bench: Bench) -> bool:
    standing = recorded(bench, "m11-1").standing
    return standing is not None and standing.settled_ms is not None


async def test_why_says_that_a_message_was_recalled_after_its_answer_had_left(bench: Bench) -> None:
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        await until(lambda: settled(bench))
        wire.incoming.put_nowait(undo(1))
        await until(lambda: bool(recorded(bench, "m11-1").recalled))
        told = Item(story(recorded(bench, "m11-1"), Live(), None))
    assert list(lines(told))[-2:] == [
        f"turn: sent at {local(NOW)}",
        "It was recalled by its author.",
    ]
    assert as_dict(told)["recalled"] == "recalled by its author"


async def test_a_request_whose_text_has_left_stays(bench: Bench) -> None:
    bench.policy = AccessPolicy(dm=DmPolicy.PAIRING)
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        wire.incoming.put_nowait(message(2, "22"))
        await wire.sent(1)
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(3, "33"))
        await wire.sent(1)
        with bench.store.read() as reader:
            assert "11" in [one.sender_id for one in reader.requests(NOW)]


async def test_a_part_of_a_turn_that_is_recalled_while_it_runs_makes_it_run_again(bench: Bench) -> None:
    bench.policy = replace(OPEN, merge_ms=60_000)
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in (1, 2, 3):
            wire.incoming.put_nowait(replace(message(number), sent_ms=NOW))
        await wire.read_all()
        bench.clock.ms += 400_000  # no wait is so long: the clock has jumped
        bench.policy = OPEN
    while not agent.begun.empty():  # the clock may have jumped before the turn asked how long to wait
        agent.begun.get_nowait()
    again = Wire()
    async with bench.running(again, agent):
        turn = await agent.begun.get()
        assert [one.message_id for one in turn.messages] == ["m11-1", "m11-2", "m11-3"]
        again.incoming.put_nowait(undo(1))
        turn = await agent.begun.get()
        assert turn.message.text == "11: 2\n11: 3"
        again.incoming.put_nowait(undo(3))
        turn = await agent.begun.get()
        assert turn.message.text == "11: 2"
        agent.allowed.release()
        assert await again.sent(1) == ["11: 2"]
    for number, recalled in ((1, True), (2, False), (3, True)):
        assert bool(recorded(bench, f"m11-{number}").recalled) is recalled
        assert recorded(bench, f"m11-{number}").standing.state == "done"


async def test_a_queued_reply_to_several_is_made_anew_without_the_recalled_one(bench: Bench) -> None:
    bench.policy = replace(OPEN, merge_ms=50)
    wire = Wire()
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(State(Phase.CONNECTING))
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        await wire.read_all()
        bench.clock.ms += 60
        await until(lambda: bench.states() == {"queued": 1})
        wire.incoming.put_nowait(undo(1))
        await wire.read_all()
        await until(lambda: texts(bench) == ["11: 2"])
        wire.incoming.put_nowait(State(Phase.READY))
        assert await wire.sent(1) == ["11: 2"]
    assert recorded(bench, "m11-2").standing.state == "done"


async def test_a_reply_to_several_that_may_have_arrived_is_not_made_anew(bench: Bench) -> None:
    bench.policy = replace(OPEN, merge_ms=50)
    wire = Wire()
    wire.troubles.append(Unknown("the connection broke"))
    async with bench.running(wire, Echo()):
        wire.incoming.put_nowait(message(1))
        wire.incoming.put_nowait(message(2))
        await wire.read_all()
        bench.clock.ms += 60
        await until(lambda: bench.states() == {"unknown": 1})
        wire.incoming.put_nowait(undo(1))
        wire.incoming.put_nowait(message(3, text="next"))
        await wire.read_all()
        bench.clock.ms += 60
        assert await wire.sent(1) == ["next"]
    assert recorded(bench, "m11-2").standing.state == "recalled"
