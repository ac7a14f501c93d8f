"""A gateway as `openclaw gateway run` is one, which can go on without its leases.

    python -m benchmarks.leaseless_gateway

At SIGUSR1 its lease stops ageing, and it beats no more and looks for no accounts: what it costs from then on
is what its accounts cost.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

from clawlane.config.paths import Paths
from clawlane.gateway.cluster import Cluster
from clawlane.gateway.lease import Lease, since_boot
from clawlane.gateway.process import run

_KINDS = tuple(f"{Cluster.__name__}.{name}" for name in ("_beat", "_look"))


def leave_alone() -> None:
    """End the tasks of the leases. One that nobody has beaten for ends nothing while its clock stands."""
    stopped = since_boot()
    for one in gc.get_objects():
        if isinstance(one, Lease):
            one.now = lambda: stopped
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") in _KINDS:
            task.cancel()
    print("without leases", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: leave_alone())
    sys.exit(run(Paths.from_env(os.environ), os.environ))
