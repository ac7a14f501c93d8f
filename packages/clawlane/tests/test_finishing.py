"""Work that goes on without whoever waited for it: a failure of it is said once, in one line."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from clawlane.finishing import finished


async def test_what_fails_after_a_cancellation_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
    may_fail, has_failed = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_fail.wait()
        has_failed.set()
        raise ValueError("the disk is full")

    waiting = asyncio.create_task(finished(work(), "storing it"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with caplog.at_level(logging.ERROR):
        may_fail.set()
        await has_failed.wait()
        await asyncio.sleep(0)
        gc.collect()
    assert caplog.messages == ["storing it failed, when nobody waited for it any more: the disk is full"]
    assert complaints == []


async def test_whoever_waits_gets_the_result_or_the_error() -> None:
    async def work(error: Exception | None) -> int:
        if error is not None:
            raise error
        return 7

    assert await finished(work(None), "it") == 7
    with pytest.raises(ValueError, match="no"):
        await finished(work(ValueError("no")), "it")
