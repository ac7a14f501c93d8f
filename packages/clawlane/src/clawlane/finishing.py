"""Work that goes on to its end although whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_left: set[asyncio.Task[Any]] = set()
"""What nobody waits for any more: the loop itself would forget it."""

log = logging.getLogger(__name__)


async def finished(work: Coroutine[Any, Any, T], what: str) -> T:
    """The result of some work, which is not cancelled with whoever waits for it.

    What fails after that is logged in one line; `what` names the work there.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.set_name(what)
        _left.add(task)
        task.add_done_callback(_ended)
        raise


def _ended(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed, when nobody waited for it any more: %s", task.get_name(), error)
