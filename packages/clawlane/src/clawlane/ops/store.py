"""Starts over without what the gateway has stored."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.ops.place import file_of
from clawlane.store.sqlite.copies import KEPT_MS, KeptCopy, kept
from clawlane.store.sqlite.reset import Holdings, forget
from clawlane.store.sqlite.reset import holdings as holdings_of
from clawlane.texts import later

_DATABASE = later("go back to a backup of the database, with its own tools")
_ANOTHER = later("make an empty database, and write its address into the config: store.url")


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


@dataclass(frozen=True, slots=True)
class ListCopies(Request["list[StoreCopy]"]):
    """The copies of the store from before upgrades, the newest first."""


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """One copy: the schema of its tables, its size in bytes, and until when it is kept."""

    path: str
    migration: int
    made_ms: int
    until_ms: int
    size: int


@dataclass(frozen=True, slots=True)
class Rollback(Request["BackInPlace"]):
    """Put the store from before the last upgrade back, or the one with the tables of `migration`."""

    migration: int | None = None


@dataclass(frozen=True, slots=True)
class BackInPlace:
    """The copy that is the store now, where the newer one is, and how many sends wait for a decision."""

    copy: StoreCopy
    newer: str | None
    undecided: int


@operation
async def copies(ctx: OpContext, request: ListCopies) -> list[StoreCopy]:  # noqa: ARG001
    found = await asyncio.to_thread(kept, file_of(ctx.place, _DATABASE))
    return [_copy(one) for one in found]


@operation
async def rollback(ctx: OpContext, request: Rollback) -> BackInPlace:
    """Raises `StoreOwned` while a gateway runs, `OpError` without a copy, and `StoreUnusable`."""
    from clawlane.store.sqlite.rollback import roll_back

    file = file_of(ctx.place, _DATABASE)
    found = await asyncio.to_thread(kept, file)
    copy = next((one for one in found if request.migration in (None, one.migration)), None)
    if copy is None:
        told = later("there is no copy of the store from before an upgrade")
        if (schema := request.migration) is not None:
            told = later(
                "there is no copy of the store from before an upgrade with schema {schema}", schema=schema
            )
        raise OpError(
            told,
            later("put a backup back: openclaw restore FILE --force"),
        )
    done = await asyncio.to_thread(roll_back, file, ctx.paths.lock_file, copy, ctx.now_ms())
    return BackInPlace(_copy(copy), str(done.newer) if done.newer else None, done.undecided)


def _copy(one: KeptCopy) -> StoreCopy:
    return StoreCopy(str(one.path), one.migration, one.made_ms, one.made_ms + KEPT_MS, one.size)


@operation
async def holdings(ctx: OpContext, _request: GetHoldings) -> Holdings | None:
    return await asyncio.to_thread(holdings_of, file_of(ctx.place, _ANOTHER), ctx.now_ms())


@operation
async def reset(ctx: OpContext, _request: Reset) -> Forgotten:
    """Raises `StoreOwned` while a gateway runs, this one too, and `OpError` without a state directory."""
    file = file_of(ctx.place, _ANOTHER)
    found = await asyncio.to_thread(holdings_of, file, ctx.now_ms())
    if not ctx.paths.state.is_dir():
        raise OpError(
            later("there is no state directory {state}", state=ctx.paths.state),
            later("nothing is stored, so nothing to reset"),
        )
    aside = await asyncio.to_thread(forget, file, ctx.paths.lock_file, ctx.now_ms())
    for folder in (ctx.paths.inbound_media_dir, ctx.paths.outgoing_root):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return Forgotten(str(aside) if aside else None, found)
