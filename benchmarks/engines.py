"""The same admissions on both engines, in one run: SQLite in a folder, PostgreSQL on this machine.

The server is one of its own, with all its safety: a commit waits for the disk on both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from packages.clawlane.tests.postgres_server import Server, programs

from benchmarks.figure import Figure, Skipped
from benchmarks.lane_admission import BURST, PER_SECOND, admitted, now_ms
from clawlane.store.database import Store, open_store
from clawlane.store.postgres.opening import Address, open_database

_MOST_TIMES = 3.0
"""How much longer a message may take on PostgreSQL, at the median."""


def run() -> Iterator[Figure]:
    """Milliseconds from frame to commit, and messages a second, of both."""
    if (bin_ := programs()) is None:
        raise Skipped("PostgreSQL is not installed (Debian's package postgresql)")
    server = Server(bin_, safe=True)
    try:
        with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as name:
            folder = Path(name)
            place = Address(server.database(folder))
            stores: dict[str, AbstractAsyncContextManager[Store]] = {
                "SQLite": open_store(folder / "store.sqlite", folder / "lock", now_ms),
                "PostgreSQL": open_database(place, folder / "audit", now_ms),
            }
            p50: dict[str, float] = {}
            for engine, opening in stores.items():
                took = asyncio.run(admitted(opening))
                p50[engine] = took.steady.p50
                note = f"p99 {took.steady.p99:.2f} ms"
                yield Figure(f"{engine}: admission at {PER_SECOND}/s, p50", took.steady.p50, "ms", note)
                yield Figure(f"{engine}: admission of {BURST} at once", took.rate, "/s", str(took.burst))
            times = p50["PostgreSQL"] / p50["SQLite"]
            yield Figure("PostgreSQL beside SQLite, p50", times, "×", "of one message", limit=_MOST_TIMES)
    finally:
        server.stop()
