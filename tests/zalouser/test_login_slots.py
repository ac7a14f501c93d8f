"""Logins of many accounts: so many at the same time, and a slow one holds nobody up for long."""

from __future__ import annotations

import asyncio

from clawlane_zalouser.login_slots import LoginSlots


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_log_in_at_once_than_there_are_slots() -> None:
    slots = LoginSlots(at_once=2)
    inside: list[int] = []
    ends = [asyncio.Event() for _ in range(4)]

    async def log_in(number: int) -> None:
        async with slots.slot():
            inside.append(number)
            await ends[number].wait()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(log_in(number))
        for number in range(4):
            await turns_of_the_loop()
            assert inside == [0, 1, 2, 3][: number + 2]
            ends[number].set()


async def test_a_slow_login_gives_its_slot_away_only_once() -> None:
    slots = LoginSlots(at_once=1, holds_s=0.0)
    async with slots.slot(), slots.slot():
        pass
    slots = LoginSlots(at_once=1)
    async with slots.slot():
        pass
    async with slots.slot():
        waiting = asyncio.create_task(slots.slot().__aenter__())
        await turns_of_the_loop()
        assert not waiting.done()
        waiting.cancel()
