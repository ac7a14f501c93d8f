"""Quick texts that are answered together, where the config says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from packages.clawlane.tests.lane_bench import (
    LISTENING,
    NOW,
    OPEN,
    Bench,
    Wire,
    message,
    said,
    until,
)

from clawlane.access.policy import Grants
from clawlane.agents.contract import TurnInput
from clawlane.config.schema import InboundMessages
from clawlane.messages import Attachment, Delivered, Inbound, Reply, Seen
from clawlane.store.merging import CHARACTERS, MESSAGES

LANE = "zalouser/default"
WINDOW = 60_000


@dataclass
class Talking:
    begun: asyncio.Queue[TurnInput] = field(default_factory=asyncio.Queue)

    async def run(self, turn: TurnInput) -> Reply | None:
        self.begun.put_nowait(turn)
        return Reply(turn.message.text)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.policy = replace(OPEN, merge_ms=WINDOW)
    return bench


async def turns_of(bench: Bench, *inbounds: Inbound) -> list[list[str]]:
    """How these messages are put together, when they come one after the other."""
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for inbound in inbounds:
            wire.incoming.put_nowait(inbound)
        await until(lambda: all(map(stored(bench), inbounds)))
    bench.clock.ms += 10 * WINDOW
    again = Wire()
    found: list[list[str]] = []
    async with bench.running(again, agent):
        while sum(map(len, found)) < len(inbounds):
            turn = await agent.begun.get()
            found.append([one.message_id for one in turn.messages])
    return found


def stored(bench: Bench) -> Callable[[Inbound], bool]:
    def holds(inbound: Inbound) -> bool:
        with bench.store.read() as reader:
            return bool(reader.decided(inbound.message_id))

    return holds


async def test_nothing_is_merged_unless_the_config_says_so(bench: Bench) -> None:
    bench.policy = OPEN
    assert await turns_of(bench, message(1), message(2)) == [["m11-1"], ["m11-2"]]


async def test_texts_of_one_sender_are_one_turn_and_keep_their_acks(bench: Bench) -> None:
    bench.policy = replace(OPEN, merge_ms=40)
    wire, agent = Wire(), Talking()
    texts = [replace(message(number), token=f"t{number}") for number in (1, 2, 3)]
    async with bench.running(wire, agent):
        for one in texts:
            wire.incoming.put_nowait(one)
        await until(lambda: all(map(stored(bench), texts)))
        assert agent.begun.empty()
        bench.clock.ms += 41
        assert await wire.sent(1) == ["11: 1\n11: 2\n11: 3"]
        shown = [await wire.shown.get() for _ in range(7)]
        assert sum(isinstance(one, Delivered) for one in shown) == 3
        assert sum(isinstance(one, Seen) for one in shown) == 3
    with bench.store.read() as reader:
        told = [reader.decided(one.message_id)[0] for one in texts]
    assert [(len(one.made), one.standing.state) for one in told] == [(1, "done")] * 3


async def test_each_sender_and_thread_has_its_own(bench: Bench) -> None:
    found = await turns_of(bench, message(1), message(1, "22"), message(2), message(2, "22"))
    assert sorted(found) == [["m11-1", "m11-2"], ["m22-1", "m22-2"]]


async def test_somebody_else_in_the_group_comes_in_between(bench: Bench) -> None:
    bench.policy, bench.grants = replace(LISTENING, merge_ms=WINDOW), lambda: Grants(own_id="100")
    first, third = said(1, "@bot a", mention=True), said(3, "@bot c", mention=True)
    between = replace(said(2, "@bot b", mention=True), sender_id="22")
    assert await turns_of(bench, first, between, third) == [["g1"], ["g2"], ["g3"]]


async def test_what_is_no_plain_text_stands_for_itself(bench: Bench) -> None:
    photo = replace(message(2), attachments=(Attachment("photo"),))
    command = replace(message(4), text="/status")
    found = await turns_of(bench, message(1), photo, message(3), command, message(5))
    assert found == [["m11-1"], ["m11-2"], ["m11-3"], ["m11-4"], ["m11-5"]]


async def test_ten_messages_are_enough(bench: Bench) -> None:
    found = await turns_of(bench, *map(message, range(MESSAGES + 2)))
    assert list(map(len, found)) == [MESSAGES, 2]


async def test_four_thousand_characters_are_enough(bench: Bench) -> None:
    long = "x" * (CHARACTERS // 2)
    found = await turns_of(bench, *(replace(message(number), text=long) for number in range(3)))
    assert list(map(len, found)) == [1, 1, 1], "the line between them counts, too"


async def test_three_windows_are_enough(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        for number in range(4):
            inbound = replace(message(number), sent_ms=bench.clock.ms)
            wire.incoming.put_nowait(inbound)
            await until(lambda inbound=inbound: stored(bench)(inbound))  # type: ignore[misc]
            bench.clock.ms += WINDOW - 1
    again = Wire()
    bench.clock.ms += 10 * WINDOW
    async with bench.running(again, agent):
        turn = await agent.begun.get()
        assert [one.message_id for one in turn.messages] == ["m11-0", "m11-1", "m11-2", "m11-3"]


async def test_what_was_written_long_apart_is_not_merged_because_it_is_fetched_together(bench: Bench) -> None:
    old = replace(message(1), sent_ms=NOW - 2 * WINDOW, live=False)
    assert await turns_of(bench, old, message(2)) == [["m11-1"], ["m11-2"]]


async def test_a_stop_before_the_window_ends_loses_nothing(bench: Bench) -> None:
    wire, agent = Wire(), Talking()
    async with bench.running(wire, agent):
        wire.incoming.put_nowait(message(1))
        await until(lambda: stored(bench)(message(1)))
    bench.clock.ms += 1000
    again = Wire()
    async with bench.running(again, agent):
        again.incoming.put_nowait(replace(message(2), sent_ms=bench.clock.ms))
        await until(lambda: stored(bench)(message(2)))
        assert agent.begun.empty()
    bench.clock.ms += 10 * WINDOW
    async with bench.running(Wire(), agent):
        assert [one.message_id for one in (await agent.begun.get()).messages] == ["m11-1", "m11-2"]


@pytest.mark.parametrize(
    ("written", "window"), [({}, 0), ({"debounceMs": 300}, 300), ({"debounceMs": 9_999_999}, 60_000)]
)
def test_the_window_is_written_in_milliseconds(written: dict[str, int], window: int) -> None:
    assert InboundMessages.model_validate(written).window_ms("zalouser") == window


def test_a_channel_may_have_its_own_window() -> None:
    block = InboundMessages.model_validate({"debounceMs": 300, "byChannel": {"zalouser": 5}})
    assert (block.window_ms("zalouser"), block.window_ms("other")) == (5, 300)
