"""What the gateway serves besides the lane, as the config in force says: kept going, and told to `status`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from clawlane.gateway.accounts import Accounts
from clawlane.ops.serving import Listening, ServiceUnusable

S = TypeVar("S")
log = logging.getLogger(__name__)
_AGAIN_S = 30.0


async def keep(
    accounts: Accounts,
    name: str,
    settings_of: Callable[[], S],
    served: Callable[[S], AbstractAsyncContextManager[str]],
) -> None:
    """Serve something while and as its settings say. Lives until cancelled.

    `served` gives the address, which is empty for nothing. What raises `ServiceUnusable` is logged and shown
    by `status`, and tried again every half minute and with the next config: the lane goes on without it.
    """

    async def until_other(settings: S) -> None:
        while settings_of() == settings:
            await accounts.next_config()

    serves = accounts.serves
    while True:
        settings = settings_of()
        try:
            async with served(settings) as address:
                serves.pop(name, None)
                if address:
                    serves[name] = Listening(address)
                await until_other(settings)
        except ServiceUnusable as error:
            if name not in serves or not serves[name].problem:
                log.error("%s; the gateway goes on without it", error)
            serves[name] = Listening("", error.sentence)
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await until_other(settings)
