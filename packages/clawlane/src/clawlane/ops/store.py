"""Starts over without what the gateway has stored."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.store.reset import Holdings, forget
from clawlane.store.reset import holdings as holdings_of


@dataclass(frozen=True, slots=True)
class GetHoldings(Request[Holdings | None]):
    """What a reset would forget; None where nothing is stored."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Where the store was moved, and what it knew; None where there was none."""

    moved_to: str | None
    forgotten: Holdings | None


@dataclass(frozen=True, slots=True)
class Reset(Request[Forgotten]):
    """Move the store aside, so that the gateway starts with an empty one. Files of people are removed."""


@operation
async def holdings(ctx: OpContext, _request: GetHoldings) -> Holdings | None:
    return await asyncio.to_thread(holdings_of, ctx.paths.store, ctx.now_ms())


@operation
async def reset(ctx: OpContext, _request: Reset) -> Forgotten:
    """Raises `StoreOwned` while a gateway runs, this one too, and `OpError` without a state directory."""
    found = await asyncio.to_thread(holdings_of, ctx.paths.store, ctx.now_ms())
    if not ctx.paths.state.is_dir():
        raise OpError(
            f"there is no state directory {ctx.paths.state}", "nothing is stored, so nothing to reset"
        )
    aside = await asyncio.to_thread(forget, ctx.paths.store, ctx.paths.lock_file, ctx.now_ms())
    for folder in (ctx.paths.inbound_media_dir, ctx.paths.outgoing_root):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return Forgotten(str(aside) if aside else None, found)
