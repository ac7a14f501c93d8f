"""Background tasks of the Zalo channel: one that dies is seen where the connection is followed."""

from __future__ import annotations

import asyncio

import pytest

from clawlane_zalouser.background import running


async def failing() -> None:
    raise LookupError("died")


async def living() -> None:
    await asyncio.Event().wait()


async def follow() -> None:
    async with running() as background:
        other = background.start(living(), "other")
        background.start(failing(), "dies")
        try:
            await asyncio.Event().wait()
        finally:
            assert not other.done()


async def test_a_task_that_dies_ends_what_it_stood_beside_with_its_own_error() -> None:
    with pytest.raises(LookupError, match="died"):
        await follow()


async def test_an_error_of_the_body_comes_out_as_it_is_and_ends_the_tasks() -> None:
    tasks = []

    async def broken() -> None:
        async with running() as background:
            tasks.append(background.start(living(), "lives"))
            raise KeyError("body")

    with pytest.raises(KeyError):
        await broken()
    assert tasks[0].cancelled()


async def test_a_deadline_around_it_stays_a_deadline() -> None:
    async def waiting() -> None:
        async with asyncio.timeout(0), running() as background:
            background.start(living(), "lives")
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await waiting()
