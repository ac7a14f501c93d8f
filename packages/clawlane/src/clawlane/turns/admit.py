"""The way in: decide at once, store in order, and let follow what follows once it is on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from clawlane.access.decide import decide
from clawlane.access.policy import Grants, Policy
from clawlane.messages import Inbound
from clawlane.store.journal import Clock, Journal
from clawlane.store.records import Admitted, Arrival
from clawlane.turns.patience import until_stored

AHEAD = 256
"""How many messages the reader may be ahead of the disk."""

log = logging.getLogger(__name__)


class Admission:
    """Takes the messages of one account in the order of reading.

    `act` is called in that order, after the commit.
    """

    def __init__(
        self,
        journal: Journal,
        policy: Policy,
        grants: Callable[[], Grants],
        act: Callable[[Admitted], None],
        now_ms: Clock,
    ) -> None:
        self._journal = journal
        self._policy = policy
        self._grants = grants
        self._act = act
        self._now_ms = now_ms
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue(AHEAD)

    async def admit(self, inbound: Inbound) -> None:
        """Decide, and queue for the store. Waits only while the reader is too far ahead of the disk."""
        now_ms = self._now_ms()
        decision = decide(inbound, self._policy, self._grants(), now_ms)
        await self._arrivals.put(Arrival(inbound, decision, self._policy.pairing_reply, now_ms))

    async def run(self) -> None:
        """Store what arrives, as many at once as came meanwhile. Lives until cancelled."""
        while True:
            arrivals = [await self._arrivals.get()]
            while not self._arrivals.empty():
                arrivals.append(self._arrivals.get_nowait())
            try:
                await self._store(arrivals)
            finally:
                for _ in arrivals:
                    self._arrivals.task_done()

    async def drained(self) -> None:
        """Returns once everything that was read is stored."""
        await self._arrivals.join()

    async def _store(self, arrivals: list[Arrival]) -> None:
        results = await until_stored(partial(self._journal.admit, arrivals))
        for arrival, result in zip(arrivals, results, strict=True):
            if isinstance(result, Exception):
                log.error("message %r could not be stored: %r", arrival.inbound.message_id, result)
            elif result.fresh:
                self._act(result)
