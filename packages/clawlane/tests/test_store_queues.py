"""What waits in the store: each thing is in one queue, and in `held` while nothing of ours could move it."""

from __future__ import annotations

from pathlib import Path

from packages.clawlane.tests.opened_store import LANE, NOW
from packages.clawlane.tests.test_store_pauses import ASK, MINUTE, Lane, dm, lane_in

from clawlane.store import due, sending
from clawlane.store.models import Hold, LostSend
from clawlane.store.queues import Depth, Queue


def waiting(lane: Lane) -> dict[Queue, Depth]:
    """The queues that are not empty."""
    with lane.store.read() as reader:
        found = reader.depths(LANE, lane.clock.ms)
    assert found.keys() == set(Queue)
    return {queue: depth for queue, depth in found.items() if depth.number}


async def test_what_waits_is_counted_with_the_time_of_the_oldest(tmp_path: Path) -> None:
    async with lane_in(tmp_path) as lane:
        assert waiting(lane) == {}
        await lane.hear("m1", "11")
        lane.clock.ms += MINUTE
        turn = await lane.hear("m2", "12")
        assert waiting(lane) == {Queue.TURNS: Depth(2, NOW)}
        await lane.reply(turn, "vâng", "dạ", sender="12")
        assert waiting(lane) == {Queue.TURNS: Depth(1, NOW), Queue.SENDS: Depth(2, NOW + MINUTE)}
        await lane.send_one()
        await lane.hear("m3", "99", ASK)
        assert waiting(lane) == {
            Queue.TURNS: Depth(1, NOW),
            Queue.SENDS: Depth(2, NOW + MINUTE),  # the other part, and the pairing code
            Queue.REQUESTS: Depth(1, NOW + MINUTE),
        }


async def test_what_a_pause_or_a_rule_holds_is_held_and_nothing_else(tmp_path: Path) -> None:
    async with lane_in(tmp_path) as lane:
        turn = await lane.hear("m1", "11")
        await lane.hear("m2", "12")
        await lane.pause(dm("12"))
        assert waiting(lane) == {Queue.TURNS: Depth(1, NOW), Queue.HELD: Depth(1, NOW)}
        await lane.reply(turn, "vâng")
        await lane.hear("m3", "11")
        [chunk] = (await lane.account_store.run(due.waiting)).chunks
        until_ms = NOW + 10 * MINUTE
        await lane.account_store.run(sending.hold, {chunk.id: Hold("quietHours", until_ms)})
        assert waiting(lane) == {Queue.HELD: Depth(3, NOW)}
        lane.clock.ms = until_ms
        assert waiting(lane)[Queue.SENDS] == Depth(1, until_ms), "it could not leave before"
        await lane.pause()
        assert waiting(lane).keys() == {Queue.HELD}


async def test_a_part_of_unknown_fate_holds_its_conversation(tmp_path: Path) -> None:
    async with lane_in(tmp_path) as lane:
        turn = await lane.hear("m1")
        await lane.reply(turn, "một", "hai")
        [chunk] = (await lane.account_store.run(due.waiting)).chunks
        await lane.account_store.run(sending.begin, [chunk.id])
        await lane.account_store.run(sending.unknown, chunk.id, LostSend("no answer"))
        await lane.hear("m2")
        assert waiting(lane) == {Queue.UNKNOWN: Depth(2, NOW), Queue.HELD: Depth(1, NOW)}
