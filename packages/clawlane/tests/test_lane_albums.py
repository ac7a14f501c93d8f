"""Albums: one turn, one decision, one request for all pictures, whenever and in whatever order they come."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace

import pytest
from packages.clawlane.tests.lane_bench import (
    GROUP,
    LISTENING,
    NOW,
    Bench,
    Wire,
    message,
    said,
    until,
)

from clawlane.access.allowlists import GroupRule, GroupTable
from clawlane.access.decision import Reason, Rule
from clawlane.access.policy import AccessPolicy, Grants
from clawlane.agents.contract import TurnInput
from clawlane.config.choices import DmPolicy, GroupPolicy
from clawlane.lane.albums import AFTER_FIRST_MS, AFTER_LAST_MS
from clawlane.messages import Album, Attachment, Delivered, Inbound, Mention, Quote, Reply, Undone
from clawlane.store.told import Recorded
from clawlane.store.transaction import Tx

LANE = "zalouser/default"


@dataclass
class Talking:
    """An agent that shows its turns and answers each with how many pictures it has."""

    begun: asyncio.Queue[TurnInput] = field(default_factory=asyncio.Queue)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.begun.put_nowait(turn)
        return Reply(f"{len(turn.message.attachments)} pictures: {turn.message.text}")


@pytest.fixture
def group(bench: Bench) -> Bench:
    bench.policy, bench.grants = LISTENING, lambda: Grants(own_id="100")
    return bench


def part(number: int, caption: str = "", *, of: int = 3, album: str = "a", sender: str = "11") -> Inbound:
    """The picture of this number."""
    inbound = message(number, sender)
    return replace(
        inbound,
        text=caption,
        kind="photo",
        attachments=(Attachment("photo", caption, f"https://cdn.example/{number}.jpg"),),
        album=Album(album, of),
        token="t",
    )


def in_group(inbound: Inbound, *, mention: bool = False) -> Inbound:
    mentions = (Mention("100", 0, 4),) if mention else ()
    return replace(inbound, thread=GROUP, mentions=mentions)


def recorded(bench: Bench, inbound: Inbound) -> Recorded:
    with bench.store.read() as reader:
        [found] = reader.decided(inbound.message_id)
    return found


def reasons(bench: Bench, *inbounds: Inbound) -> list[list[Reason]]:
    return [[made.decision.reason for made in recorded(bench, one).made] for one in inbounds]


def stored(bench: Bench, inbound: Inbound) -> bool:
    with bench.store.read() as reader:
        return bool(reader.decided(inbound.message_id))


async def test_a_complete_album_is_answered_once_and_at_once(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    parts = [part(1, "look"), part(2), part(3)]
    async with bench.running(wire, agent):
        for one in parts:
            wire.incoming.put_nowait(one)
        turn = await agent.begun.get()
        assert [one.message_id for one in turn.messages] == [one.message_id for one in parts]
        assert [one.url[-5:] for one in turn.message.attachments] == ["1.jpg", "2.jpg", "3.jpg"]
        assert await wire.sent(1) == ["3 pictures: look"]
        delivered = [await wire.shown.get() for _ in range(7)]
        assert sum(isinstance(one, Delivered) for one in delivered) == 3, "each part is acknowledged"
    assert reasons(bench, *parts) == [[Reason.DM_OPEN]] * 3
    assert {recorded(bench, one).standing.state for one in parts} == {"done"}


async def test_another_message_of_its_sender_closes_an_album(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        wire.incoming.put_nowait(part(2))
        wire.incoming.put_nowait(message(4, "22"))
        assert await wire.sent(1) == ["0 pictures: 22: 4"], "somebody else's does not"
        wire.incoming.put_nowait(message(5))
        assert await wire.sent(2) == ["2 pictures: ", "0 pictures: 11: 5"]


async def test_what_was_read_before_an_album_closed_comes_before_it(group: Bench) -> None:
    hearing = GroupTable.of([GroupRule("*", Rule("groups['*']"), require_mention=False)])
    group.policy = replace(LISTENING, group_table=hearing)
    wire, agent = Wire(), Talking()
    busy, over = threading.Event(), threading.Event()

    def hold_up(_: Tx) -> None:
        busy.set()
        over.wait()

    async with group.running(wire, agent):
        wire.incoming.put_nowait(in_group(part(1)))
        await until(lambda: stored(group, part(1)))
        holding = asyncio.create_task(group.account_store.attempt(hold_up))
        await asyncio.to_thread(busy.wait)
        try:
            # The first is about to be stored while the others come, which are taken together then.
            for inbound in (message(2, "33"), in_group(message(3, "22")), in_group(message(4))):
                wire.incoming.put_nowait(inbound)
            await wire.read_all()
        finally:
            over.set()
        await holding
        asked = [(await agent.begun.get()).message.message_id for _ in range(3)]
    assert asked == ["m22-3", "m11-1", "m11-4"]


async def test_the_next_album_closes_the_one_before(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        for number in (2, 3, 4):
            wire.incoming.put_nowait(part(number, album="b"))
        assert await wire.sent(2) == ["1 pictures: ", "3 pictures: "]


async def test_an_album_that_stays_incomplete_closes_after_its_last_part(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1, of=0))
        await until(lambda: stored(bench, part(1)))
        bench.clock.ms += AFTER_LAST_MS - 1
        wire.incoming.put_nowait(part(2, of=0))
        await until(lambda: stored(bench, part(2)))
        bench.clock.ms += AFTER_LAST_MS - 1
        wire.incoming.put_nowait(message(1, "22"))
        assert await wire.sent(1) == ["0 pictures: 22: 1"]
        bench.clock.ms += 1
        wire.incoming.put_nowait(message(2, "22"))
        assert sorted(await wire.sent(2)) == ["0 pictures: 22: 2", "2 pictures: "]


async def test_an_album_that_never_ends_closes_a_while_after_its_first_part(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in range(AFTER_FIRST_MS // 1000 + 1):
            wire.incoming.put_nowait(part(number, of=99))
            await until(lambda number=number: stored(bench, part(number)))  # type: ignore[misc]
            bench.clock.ms += 1000
        turn = await agent.begun.get()
        assert 6 <= len(turn.messages) <= 7


async def test_after_a_restart_the_window_is_measured_from_the_admission(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        wire.incoming.put_nowait(part(2))
        await until(lambda: stored(bench, part(2)))
        wire.incoming.put_nowait(part(1, sender="22"))
        await until(lambda: stored(bench, part(1, sender="22")))
    bench.clock.ms += AFTER_LAST_MS
    again = Wire()
    async with bench.running(again, agent):
        assert sorted(await again.sent(2)) == ["1 pictures: ", "2 pictures: "]


async def test_parts_from_before_and_after_a_restart_are_one_album(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        await until(lambda: stored(bench, part(1)))
    again = Wire()
    async with bench.running(again, agent):
        again.incoming.put_nowait(replace(part(2), live=False))
        again.incoming.put_nowait(replace(part(3), live=False))
        assert await again.sent(1) == ["3 pictures: "]


async def test_an_album_that_waited_undecided_is_one_turn(bench: Bench) -> None:
    known = asyncio.Event()
    bench.ready = known.wait
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in (1, 2, 3):
            wire.incoming.put_nowait(part(number))
        wire.incoming.put_nowait(message(4))
        await until(lambda: stored(bench, message(4)))
        known.set()
        assert await wire.sent(2) == ["3 pictures: ", "0 pictures: 11: 4"]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_mention_in_any_caption_counts_for_all(group: Bench, place: int) -> None:
    wire, agent = Wire(), Talking()
    parts = [in_group(part(n, "@bot look" if n == place else ""), mention=n == place) for n in range(3)]
    async with group.running(wire, agent):
        for one in parts:
            wire.incoming.put_nowait(one)
        assert await wire.sent(1) == ["3 pictures: @bot look"]


async def test_a_quote_and_a_pattern_count_in_the_same_way(group: Bench) -> None:
    wire, agent = Wire(), Talking()
    quoting = replace(in_group(part(2)), quote=Quote("9", "100", "what I said"))
    async with group.running(wire, agent):
        for one in (in_group(part(1)), quoting, in_group(part(3))):
            wire.incoming.put_nowait(one)
        assert await wire.sent(1) == ["3 pictures: "]


async def test_an_album_that_is_not_for_the_account_is_context(group: Bench) -> None:
    wire, agent = Wire(), Talking()
    parts = [in_group(part(number, f"caption {number}")) for number in (1, 2, 3)]
    async with group.running(wire, agent):
        for one in parts:
            wire.incoming.put_nowait(one)
        wire.incoming.put_nowait(said(9, "@bot", mention=True))
        turn = await agent.begun.get()
        assert [one.text.partition("\n")[0] for one in turn.history] == [one.text for one in parts]
    assert reasons(group, *parts) == [[Reason.MENTION_REQUIRED]] * 3


async def test_a_part_that_comes_too_late_is_context_and_wakes_nobody(group: Bench) -> None:
    wire, agent = Wire(), Talking()
    late = in_group(part(3, "late"))
    async with group.running(wire, agent):
        wire.incoming.put_nowait(in_group(part(1, "@bot"), mention=True))
        wire.incoming.put_nowait(in_group(part(2)))
        wire.incoming.put_nowait(said(7, "unrelated"))
        assert (await agent.begun.get()).message.attachments
        wire.incoming.put_nowait(late)
        wire.incoming.put_nowait(said(8, "@bot go on", mention=True))
        turn = await agent.begun.get()
        assert [one.text.partition("\n")[0] for one in turn.history] == ["unrelated", "late"]
    assert reasons(group, late) == [[Reason.ALBUM_CLOSED]]


async def test_a_late_part_of_a_direct_album_is_noted_and_not_answered(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        wire.incoming.put_nowait(message(4))
        assert await wire.sent(2) == ["1 pictures: ", "0 pictures: 11: 4"]
        wire.incoming.put_nowait(part(2))
        wire.incoming.put_nowait(message(5))
        assert await wire.sent(1) == ["0 pictures: 11: 5"]
    assert reasons(bench, part(2)) == [[Reason.ALBUM_CLOSED]]


async def test_an_album_of_a_stranger_is_one_request_and_one_text(bench: Bench) -> None:
    bench.policy = AccessPolicy(dm=DmPolicy.PAIRING)
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in (1, 2, 3):
            wire.incoming.put_nowait(part(number))
        [text] = await wire.sent(1)
        assert "Your id: 11" in text
        wire.incoming.put_nowait(part(4))
        wire.incoming.put_nowait(message(1, "22"))
        [text] = await wire.sent(1)
        assert "Your id: 22" in text
        with bench.store.read() as reader:
            assert [one.sender_id for one in reader.requests(NOW)] == ["11", "22"]
    assert reasons(bench, part(1), part(2), part(3)) == [[Reason.DM_PAIRING_REQUIRED]] * 3
    assert reasons(bench, part(4)) == [[Reason.DM_PAIRING_PENDING]]


async def test_a_closed_group_hears_no_part_of_an_album(group: Bench) -> None:
    group.policy = replace(LISTENING, groups=GroupPolicy.DISABLED)
    wire, agent = Wire(), Talking()
    parts = [in_group(part(number)) for number in (1, 2, 3, 4)]
    async with group.running(wire, agent):
        for one in parts:
            wire.incoming.put_nowait(one)
        await until(lambda: all(stored(group, one) and recorded(group, one).made for one in parts))
    assert reasons(group, *parts) == [[Reason.GROUP_DISABLED]] * 4


async def test_a_recalled_part_leaves_the_album_before_and_after_it_closed(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(part(1))
        wire.incoming.put_nowait(part(2))
        wire.incoming.put_nowait(Undone("default", part(1).thread, part(1).message_id, "11"))
        wire.incoming.put_nowait(message(4))
        assert await wire.sent(2) == ["1 pictures: ", "0 pictures: 11: 4"]
    assert recorded(bench, part(1)).recalled
    assert recorded(bench, part(1)).made == ()


async def test_parts_that_are_pushed_twice_count_once(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in (1, 1, 2, 2, 1, 3):
            wire.incoming.put_nowait(part(number))
        assert await wire.sent(1) == ["3 pictures: "]
