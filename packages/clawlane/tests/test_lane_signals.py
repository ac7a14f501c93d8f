"""Typing is shown before its reply or not at all; other signals keep their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from clawlane.lane.evidence import Evidence, SignalKind, SignalOutcome
from clawlane.lane.signals import SignalQueue
from clawlane.messages import Delivered, Seen, Signal, Thread, ThreadKind, Typing

LAN, HUNG = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.DM, "22")
SEEN = Seen(LAN, "m1", "")
REFUSED = Delivered(HUNG, "m2", False, "")


@dataclass
class Shown:
    """A channel that shows one signal at a time, when it is let."""

    begun: asyncio.Queue[Signal] = field(default_factory=asyncio.Queue)
    let: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    after: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, signal: Signal) -> None:
        self.begun.put_nowait(signal)
        await self.let.acquire()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
async def queue(shown: Shown) -> AsyncIterator[SignalQueue]:
    made = SignalQueue(shown.show, shown.after.set)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


async def test_typing_that_cannot_be_shown_in_time_is_not_shown_after_its_reply(
    queue: SignalQueue, shown: Shown
) -> None:
    for signal in (SEEN, Typing(LAN), Typing(HUNG)):
        queue.put(signal)
    assert await shown.begun.get() == SEEN
    assert not queue.answered(LAN), "it may still be shown"
    await shown.after.wait()
    assert queue.answered(LAN), "the reply does not wait longer"
    shown.let.release()
    assert await shown.begun.get() == Typing(HUNG)


async def test_a_reply_waits_for_typing_that_is_just_being_shown(queue: SignalQueue, shown: Shown) -> None:
    queue.put(Typing(LAN))
    await shown.begun.get()
    assert not queue.answered(LAN)
    assert queue.answered(HUNG)
    shown.let.release()
    await shown.after.wait()
    assert queue.answered(LAN)


async def test_the_threads_are_named_whose_replies_wait_for_typing(queue: SignalQueue, shown: Shown) -> None:
    for signal in (SEEN, Typing(LAN), Typing(HUNG)):
        queue.put(signal)
    assert queue.typing_first() == {LAN, HUNG}
    for _ in range(2):
        await shown.begun.get()
        shown.let.release()
    await shown.after.wait()
    assert await shown.begun.get() == Typing(HUNG)
    assert queue.typing_first() == {HUNG}
    shown.let.release()


async def test_what_became_of_each_signal_is_noted() -> None:
    noted: list[tuple[Signal, str]] = []
    all_noted = asyncio.Event()

    async def show(signal: Signal) -> None:
        if signal == REFUSED:
            raise ValueError("not today")

    def note(signal: Signal, error: str) -> None:
        noted.append((signal, error))
        if len(noted) == 2:
            all_noted.set()

    queue = SignalQueue(show, lambda: None, note)
    running = asyncio.create_task(queue.run())
    queue.put(SEEN)
    queue.put(REFUSED)
    await all_noted.wait()
    running.cancel()
    await asyncio.wait([running])
    assert noted == [(SEEN, ""), (REFUSED, "not today")]


def test_evidence_is_found_by_the_message_and_typing_is_about_none() -> None:
    evidence = Evidence()
    for signal in (SEEN, Typing(LAN), REFUSED):
        evidence.note_signal(signal, 5, "late\nanswer" if signal == REFUSED else "")
    assert evidence.signals(LAN, "m1") == [SignalOutcome(SignalKind.SEEN, LAN, "m1", 5)]
    [refused] = evidence.signals(HUNG, "m2")
    assert (refused.kind, refused.error) == (SignalKind.DELIVERED, "late answer")
