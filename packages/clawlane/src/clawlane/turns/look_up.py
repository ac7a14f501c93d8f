"""Having the platform asked about messages of unknown fate, also while the connection holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from clawlane.messages import ThreadKind
from clawlane.store.journal import Journal
from clawlane.turns.patience import Sleep, until_stored

_EVERY = 5.0
"""Seconds. A reconnect asks at once; this is for chunks that become unknown in between."""


async def looking_up(journal: Journal, ask: Callable[[ThreadKind], Awaitable[None]], sleep: Sleep) -> None:
    """Ask about the kinds of thread in which something waits to be looked up. Lives until cancelled."""
    while True:
        await sleep(_EVERY)
        for kind in await until_stored(journal.to_look_up):
            await ask(kind)
