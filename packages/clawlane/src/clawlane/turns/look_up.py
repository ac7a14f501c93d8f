"""Having the platform asked about messages of unknown fate, also while the connection holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from clawlane.messages import ThreadKind
from clawlane.store.journal import Journal
from clawlane.turns.patience import Sleep, until_stored

_EVERY = 5.0
"""Seconds. A reconnect asks at once; this is for chunks that become unknown in between."""

_AT_LEAST = 0.2


async def looking_up(
    journal: Journal, ask: Callable[[ThreadKind], Awaitable[None]], gap_ms: int, sleep: Sleep
) -> None:
    """Ask about the kinds of thread in which something waits to be looked up. Lives until cancelled.

    `gap_ms` lies between the two look-ups that show that a message is absent.
    """
    while True:
        await sleep(min(_EVERY, max(gap_ms / 1000, _AT_LEAST)))
        for kind in await until_stored(partial(journal.to_look_up, gap_ms)):
            await ask(kind)
