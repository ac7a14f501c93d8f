"""Asks another node for an operation that tells its steps, and tells each as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from typing import Any

from clawlane.finishing import finished
from clawlane.ops.asking_nodes import (
    ANSWER_S,
    FIRST_LOOK_S,
    LONGEST_LOOK_S,
    asked_of,
    raise_failed,
    taken_back,
    unanswered_by,
)
from clawlane.ops.context import OpContext
from clawlane.ops.operation import Operation, decode_event
from clawlane.store import node_requests, node_steps
from clawlane.store.errors import StoreError
from clawlane.store.node_requests import DONE, Asked
from clawlane.texts import later

_HEARD_S = 5.0
"""How long the node hears nothing of whoever follows it."""


async def follow_node(
    ctx: OpContext, operation: Operation, request: Any, node: str, accounts: Iterable[str]
) -> AsyncGenerator[Any]:
    """The events of a stream on the node that runs its accounts. Closing it has the node end it.

    Raises as `ask_node` does.
    """
    asked = asked_of(ctx, operation, request, node, accounts)
    await ctx.change_store(node_requests.ask, asked)
    try:
        async with aclosing(_events(ctx, operation, asked)) as events:
            async for event in events:
                yield event
    finally:
        with suppress(StoreError):  # else the node finds that it is not heard any more
            await finished(ctx.change_store(node_requests.remove, asked.id), "removing a request")


async def _events(ctx: OpContext, operation: Operation, asked: Asked) -> AsyncGenerator[Any]:
    began = heard = reached = time.monotonic()
    read, wait = 0, FIRST_LOOK_S
    while True:
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, LONGEST_LOOK_S)
        try:
            found, steps = await ctx.ask(
                lambda reader, after=read: (  # type: ignore[misc]
                    reader.request_progress(asked.id),
                    reader.request_steps(asked.id, after),
                )
            )
            if found is not None and await taken_back(ctx, asked, found, time.monotonic() - began):
                continue
        except StoreError as error:
            if time.monotonic() - reached > ANSWER_S:
                raise unanswered_by(operation, asked, str(error)) from error
            continue
        now = reached = time.monotonic()
        for number, step in steps:
            yield decode_event(step.encode(), operation.events)
            read, wait = number, FIRST_LOOK_S
        if found is None:
            raise unanswered_by(operation, asked, later("it has heard nothing of this command for too long"))
        if found.state == DONE and not steps:
            raise_failed(found.answer.encode())
            return
        if not found.there and not steps:
            raise unanswered_by(operation, asked, later("its gateway has ended"))
        if steps or now - heard > _HEARD_S:
            with suppress(StoreError):  # what was read stays there a little longer
                await ctx.change_store(node_steps.hear, asked.id, read)
                heard = now
