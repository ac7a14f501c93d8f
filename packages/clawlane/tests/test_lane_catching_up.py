"""Fetching the past: what is missed is a gap, and what only looks up unconfirmed sends misses nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packages.clawlane.tests.lane_bench import Bench, Echo, Wire, message

from clawlane.channel import Account, Host
from clawlane.messages import ThreadKind

DM = ThreadKind.DM
MINUTE_MS = 60_000


@dataclass
class Fetching(Wire):
    """A channel that fetches when it is told to look up, unless it is `busy` with that."""

    busy: bool = False
    host: Host | None = None

    async def run(self, account: Account, host: Host) -> None:
        self.host = host
        await super().run(account, host)

    async def look_up(self, account: Account, kind: ThreadKind) -> None:
        if not self.busy:
            assert self.host is not None
            await self.host.cursor(kind)


@pytest.mark.parametrize("busy", [True, False])
async def test_a_look_up_hides_no_gap_of_a_fetch_that_goes_on_already(bench: Bench, *, busy: bool) -> None:
    wire = Fetching(busy=busy)
    async with bench.running(wire, Echo()) as lane:
        wire.incoming.put_nowait(message(1))
        await wire.sent(1)
        bench.clock.ms += 2 * MINUTE_MS
        found = await lane.cursor(DM)  # as after a connect
        if not busy:
            await lane.caught_up(DM, found.at_ms)
        await lane.look_up(DM)
        await lane.caught_up(DM, found.at_ms + MINUTE_MS)
        wire.incoming.put_nowait(message(2))
        await wire.sent(1)
    with bench.store.read() as reader:
        assert len(reader.gaps("zalouser/default")) == int(busy)
