"""The lease of a gateway: from before the beat was asked for, and 3 s less than the database's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from clawlane.gateway.lease import MARGIN_S, OWN_S, Lease
from clawlane.store.nodes import LEASE_MS


@dataclass
class Watch:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_it_ends_before_another_node_may_claim() -> None:
    watch = Watch()
    lease = Lease(watch)
    assert "may have lost its accounts" in lease.why_not(), "nothing was asked yet"
    asked = lease.now()
    watch.seconds += 2  # as long as the answer took
    lease.renew(asked)
    watch.seconds = asked + OWN_S - 0.01
    assert (lease.holds, lease.why_not()) == (True, "")
    watch.seconds = asked + OWN_S
    assert not lease.holds
    assert asked + LEASE_MS / 1000 - watch.seconds == MARGIN_S


def test_an_end_counts_at_once() -> None:
    lease = Lease(Watch())
    lease.renew(lease.now())
    lease.end()
    assert lease.why_not()


async def test_its_end_is_waited_for_over_renewals() -> None:
    lease = Lease(lasts_s=0.05)
    lease.renew(lease.now())
    ending = asyncio.create_task(lease.ended())
    await asyncio.sleep(0)
    lease.renew(lease.now())
    await ending
    assert not lease.holds
