"""Writing to a store that may be down for a while: wait and write again instead of losing it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clawlane.store.errors import StoreFailed

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
log = logging.getLogger(__name__)


async def until_stored(write: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """What `write` gives once the disk takes it. Everything but `StoreFailed` is passed on."""
    wait = _FIRST_WAIT
    while True:
        try:
            return await write()
        except StoreFailed as error:
            log.error("%s; trying again in %.1f s", error, wait)
        await sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)
