"""What the store is: its engine, where it is, how large, and how far away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clawlane.ops.context import OpContext
from clawlane.ops.operation import OpError, Request, operation
from clawlane.texts import later


@dataclass(frozen=True, slots=True)
class GetStoreInfo(Request["StoreInfo"]):
    """Look at the store, whether or not a gateway runs."""


@dataclass(frozen=True, slots=True)
class TableCount:
    """How many rows a table has."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """One store. `engine` is `sqlite` or `postgresql`, `server` its version, `size` is in bytes.

    `tables` are by name; `oldest_ms` is when the oldest message that is kept came, None without one.
    `round_trip_ms` is how long one question takes. `moved_to` is where it has gone; None for one in force.
    """

    engine: str
    where: str
    server: str
    size: int
    migration: int
    tables: list[TableCount]
    oldest_ms: int | None
    round_trip_ms: float
    moved_to: str | None


@operation
async def info(ctx: OpContext, _request: GetStoreInfo) -> StoreInfo:
    """Raises `OpError` where there is no store, or none that says anything, and `StoreUnusable`."""
    place = ctx.place
    if not place.exists():
        raise OpError(later("there is no store at {where}", where=place))
    found = await asyncio.to_thread(place.facts)
    if found.problem:
        told = later("the store {where} cannot be read ({reason})", where=place, reason=found.problem)
        raise OpError(told, "openclaw doctor")
    return StoreInfo(
        "sqlite" if place.file else "postgresql",
        str(place),
        found.server,
        found.size or found.pages * found.page_size,
        found.migration,
        [TableCount(table, rows) for table, rows in found.rows.items()],
        found.oldest_ms,
        found.round_trip_ms,
        found.moved_to,
    )
