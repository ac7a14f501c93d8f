"""Asking another node, given up while the question is on its way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from packages.clawlane.tests.opened_store import LANE

from clawlane.config.paths import Paths
from clawlane.ops.asking_nodes import ask_node
from clawlane.ops.context import OpContext
from clawlane.ops.debug import Debug
from clawlane.ops.following_nodes import follow_node
from clawlane.ops.operation import Caller, operation_of
from clawlane.ops.pause import BeginPause
from clawlane.store import node_requests
from clawlane.store.database import Store


async def answered(ctx: OpContext) -> None:
    asked = BeginPause(account="default")
    await ask_node(ctx, operation_of(asked), asked, "b", [LANE])


async def followed(ctx: OpContext) -> None:
    asked = Debug(None, "default", 60)
    async for _ in follow_node(ctx, operation_of(asked), asked, "b", [LANE]):
        pass


@pytest.mark.parametrize("ask", [answered, followed])
async def test_whoever_gives_up_while_it_is_being_asked_leaves_no_request(
    store: Store, paths: Paths, ask: Callable[[OpContext], Coroutine[Any, Any, None]]
) -> None:
    asking = asyncio.create_task(ask(OpContext(paths, {}, lambda: 0, Caller.CLI, store=store)))
    await asyncio.sleep(0)  # the question is submitted, and nobody knows yet that it is stored
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await store.change(node_requests.tidy)  # behind all that was submitted
    with store.read() as reader:
        assert not reader.requests_wait("b")
