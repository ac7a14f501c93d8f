"""How long this gateway may act for its accounts without asking: its own half of what the database holds.

A beat holds `LEASE_MS` by the clock of the database. Here it holds 3 s less, counted from before it was asked
for, by a clock that also runs while the machine sleeps. In these 3 s calls are aborted and sockets closed,
before another node may claim an account.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from clawlane.store.nodes import LEASE_MS
from clawlane.texts import later

MARGIN_S = 3.0
"""Seconds between the end of a lease here and in the database."""

OWN_S = LEASE_MS / 1000 - MARGIN_S

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", None)


def since_boot() -> float:
    """Seconds since some moment, of which none is left out: neither a stop of this process nor a sleep."""
    return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)


class Lease:
    """The lease of a gateway over all of its accounts. It begins with `renew`."""

    def __init__(self, clock: Callable[[], float] = since_boot, lasts_s: float = OWN_S) -> None:
        self.now = clock
        self.lasts_s = lasts_s
        self._until = float("-inf")

    @property
    def holds(self) -> bool:
        """Whether it is not over."""
        return self.now() < self._until

    def why_not(self) -> str:
        """Why nothing may be written to a platform now; empty while it may."""
        if self.holds:
            return ""
        told = later(
            "the last beat of this gateway is more than {seconds} s old: it may have lost its accounts"
        )
        return later(told, seconds=f"{self.lasts_s:.0f}")

    def renew(self, asked: float) -> None:
        """The database has noted a beat; `asked` is the moment before it was asked for that."""
        self._until = asked + self.lasts_s

    def end(self) -> None:
        """From now on nothing may be done."""
        self._until = float("-inf")

    async def ended(self) -> None:
        """Returns once it is over."""
        while (left := self._until - self.now()) > 0:  # noqa: ASYNC110 (it may be renewed meanwhile)
            await asyncio.sleep(left)
