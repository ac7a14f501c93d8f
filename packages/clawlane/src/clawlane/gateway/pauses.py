"""Restores the pauses of each account when the gateway starts, and ends them when their time has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from clawlane.gateway.supervisor import Supervisor
from clawlane.ops import pause
from clawlane.ops.context import OpContext
from clawlane.store.errors import StoreLost
from clawlane.store.told import Pause

_LONGEST_SLEEP = 30.0
"""Seconds, short because the clock may be set meanwhile."""

log = logging.getLogger(__name__)


def put_in_force(supervisor: Supervisor, stored: Iterable[Pause]) -> None:
    """Restore the pauses of an account from those of all. What it holds already may not all be stored."""
    name = str(supervisor.account)
    own = (one for one in stored if one.account == name)
    supervisor.hold(list({one.thread: one for one in (*supervisor.pauses, *own)}.values()))


async def end_in_time(ctx: OpContext, supervisor: Supervisor) -> None:
    """Once an account is owned, end each pause in time. Lives until cancelled, or the account is lost."""
    await supervisor.owned.wait()
    while True:
        ends = [one.until_ms for one in supervisor.pauses if one.until_ms is not None]
        wait = max(0.0, min(_LONGEST_SLEEP, (min(ends) - ctx.now_ms()) / 1000)) if ends else None
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await supervisor.deps.gate.changed()
        try:
            await end_overdue(ctx, supervisor)
        except StoreLost as error:
            log.error("%s: its pauses no longer end on their own: %s", supervisor.account, error)
            return


async def end_overdue(ctx: OpContext, supervisor: Supervisor) -> None:
    """End the pauses of an account that is owned whose time has come meanwhile."""
    for one in supervisor.pauses:
        if one.until_ms is not None and one.until_ms <= ctx.now_ms():
            await pause.end(ctx, supervisor.account, one.thread, patient=True)
