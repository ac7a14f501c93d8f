"""Events on their way from the task that receives them to the one that takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import pytest

from zaloweb import Event, Kicked, UnknownEvent
from zaloweb.realtime.stream import Stream

Deliver = Callable[[Sequence[Event]], Awaitable[None]]


def numbered(number: int) -> Event:
    return UnknownEvent(number, 0, "", b"")


async def test_an_error_comes_after_everything_that_was_delivered_before() -> None:
    async def source(deliver: Deliver) -> NoReturn:
        await deliver([numbered(1)])
        await deliver([numbered(2)])
        raise Kicked

    stream = Stream(source)
    assert [await anext(stream), await anext(stream)] == [numbered(1), numbered(2)]
    with pytest.raises(Kicked):
        await anext(stream)


async def test_a_source_is_held_back_while_nobody_takes() -> None:
    delivered: list[int] = []

    async def source(deliver: Deliver) -> NoReturn:
        for number in range(1000):
            await deliver([numbered(number)])
            delivered.append(number)
        raise Kicked

    stream = Stream(source)
    for _ in range(100):
        await anext(stream)
    assert 100 <= len(delivered) < 200
    await stream.aclose()


async def test_what_was_delivered_at_once_is_taken_one_by_one_and_held_back_all_the_same() -> None:
    delivered: list[int] = []

    async def source(deliver: Deliver) -> NoReturn:
        for frame in range(100):
            await deliver([numbered(20 * frame + item) for item in range(20)])
            delivered.append(frame)
        raise Kicked

    stream = Stream(source)
    assert [await anext(stream) for _ in range(30)] == [numbered(number) for number in range(30)]
    assert delivered == [0, 1]
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_source_goes_on_while_somebody_waits_for_what_it_brings() -> None:
    brought = asyncio.Event()

    async def source(deliver: Deliver) -> NoReturn:
        for number in range(1000):
            await deliver([numbered(number)])
        brought.set()
        raise Kicked

    stream = Stream(source)
    assert await anext(stream) == numbered(0)
    assert stream.running
    with stream.reading_ahead():
        await brought.wait()
    assert [await anext(stream) for _ in range(999)] == [numbered(number) for number in range(1, 1000)]
    with pytest.raises(Kicked):
        await anext(stream)
    assert not stream.running


async def test_nothing_starts_before_the_first_event_is_asked_for() -> None:
    started = asyncio.Event()

    async def source(deliver: Deliver) -> NoReturn:
        started.set()
        await deliver([numbered(1)])
        raise Kicked

    stream = Stream(source)
    await stream.aclose()
    assert not started.is_set()


async def test_closing_stops_the_source_and_ends_the_iteration_for_who_waits() -> None:
    running, stopped = asyncio.Event(), asyncio.Event()

    async def source(deliver: Deliver) -> NoReturn:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError("the wait above has no end")

    stream = Stream(source)
    taken = asyncio.gather(collect(stream))
    await running.wait()
    await stream.aclose()
    assert await taken == [[]]
    assert stopped.is_set()


async def collect(stream: Stream) -> list[Event]:
    return [event async for event in stream]
