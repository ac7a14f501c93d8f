"""Asks another node for an operation that tells its steps, and tells each as it comes."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from typing import Any

from clawlane.finishing import finished
from clawlane.ops.asking_nodes import asked_of, looks, raise_failed, unanswered_by
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
    try:
        await ctx.change_store(node_requests.ask, asked)
        async with aclosing(_events(ctx, operation, asked)) as events:
            async for event in events:
                yield event
    finally:
        with suppress(StoreError):  # else the node finds that it is not heard any more
            await finished(ctx.change_store(node_requests.remove, asked.id), "removing a request")


async def _events(ctx: OpContext, operation: Operation, asked: Asked) -> AsyncGenerator[Any]:
    heard, read = time.monotonic(), 0
    async with aclosing(looks(ctx, operation, asked)) as found:
        async for progress, steps in found:
            for number, step in steps:
                yield decode_event(step.encode(), operation.events)
                read = number
            if progress is None:
                told = later("it has heard nothing of this command for too long")
                raise unanswered_by(operation, asked, told)
            if progress.state == DONE and not steps:
                raise_failed(progress.answer.encode())
                return
            if not progress.there and not steps:
                raise unanswered_by(operation, asked, later("its gateway has ended"))
            if steps or time.monotonic() - heard > _HEARD_S:
                with suppress(StoreError):  # what was read stays there a little longer
                    await ctx.change_store(node_steps.hear, asked.id, read)
                    heard = time.monotonic()
