"""Tells what a stream gives to whoever follows it on another machine, through the store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from clawlane.ops.operation import encode_event
from clawlane.store import node_steps
from clawlane.store.database import Store
from clawlane.store.errors import RequestRefused, StoreError
from clawlane.store.node_steps import MOST_UNREAD, SILENT_MS

_LOOK_S = 0.2
"""How long steps are gathered before they are told."""

_ASK_S = 3.0
"""How often it is looked whether anybody listens while nothing happens."""

_AHEAD = 100
"""Steps that wait to be told; then the stream waits."""

log = logging.getLogger(__name__)


async def tell_steps(store: Store, id_: str, instance: str, told: AsyncGenerator[Any]) -> None:
    """Tell the events of a stream to whoever asked by a request, until it ends or nobody listens any more.

    Raises what the stream raises, and `StoreError` once the store was away for too long.
    """
    waiting: asyncio.Queue[str] = asyncio.Queue(_AHEAD)
    reading = asyncio.create_task(_read(told, waiting))
    try:
        await _tell(store, id_, instance, waiting, reading)
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _read(told: AsyncGenerator[Any], waiting: asyncio.Queue[str]) -> None:
    async with aclosing(told) as events:
        async for event in events:
            await waiting.put(encode_event(event).decode())


async def _tell(
    store: Store, id_: str, instance: str, waiting: asyncio.Queue[str], reading: asyncio.Task[None]
) -> None:
    steps: list[str] = []
    before = unread = 0
    said = time.monotonic()
    while not (reading.done() and waiting.empty() and not steps):
        await asyncio.wait([reading], timeout=_LOOK_S)
        if unread <= MOST_UNREAD and not steps:
            steps = [waiting.get_nowait() for _ in range(waiting.qsize())]
        now = time.monotonic()
        if not (steps or unread > MOST_UNREAD or now - said > _ASK_S):
            continue
        try:
            listens = await store.change(node_steps.tell, id_, instance, before, steps)
        except RequestRefused:
            raise
        except StoreError as error:
            if now - said > SILENT_MS / 1000:
                raise
            log.warning("a step could not be told yet: %s", error)
            await asyncio.sleep(1)
            continue
        if listens is None:
            log.info("nobody follows any more")
            return
        before, unread, said = before + len(steps), listens, now
        steps = []
    await reading
