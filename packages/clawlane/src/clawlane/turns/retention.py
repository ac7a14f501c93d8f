"""Forgetting what has had its time, little by little, so that nobody waits for it."""

from __future__ import annotations

import logging

from clawlane.store.errors import StoreFailed
from clawlane.store.journal import Journal
from clawlane.turns.patience import Sleep

_EVERY = 3600.0
_BETWEEN = 0.05
log = logging.getLogger(__name__)


async def forgetting(journal: Journal, sleep: Sleep) -> None:
    """Keep the store of one account small. Lives until cancelled."""
    while True:
        try:
            while await journal.prune():
                await sleep(_BETWEEN)
        except StoreFailed as error:
            log.warning("%s; nothing is forgotten until later", error)
        await sleep(_EVERY)
