"""The same work on both engines, in one run: SQLite in a folder, PostgreSQL on this machine.

Messages are admitted by the lane alone; turns go through a whole gateway, as in `lane_turns`, with the same
agent. The server is one of its own, with all its safety: a commit waits for the disk on both.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from packages.clawlane.tests.postgres_server import Server, programs

from benchmarks.figure import Figure, Skipped
from benchmarks.lane_admission import PER_SECOND, admitted, now_ms
from benchmarks.lane_stage import Stage, staged
from benchmarks.lane_turns import measured
from benchmarks.nodes_stage import profiles_on
from clawlane.credentials.files import write_private
from clawlane.store.database import Store, open_store
from clawlane.store.postgres.opening import Address, open_database

_MOST_TIMES = 3.0
"""How much longer a message may take on PostgreSQL, at the median."""

_THREADS = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: see `SIZES`."""

    burst: int = 2_000
    turns: int = 300


SIZES = {
    "burst": "messages that are admitted at once",
    "turns": f"messages that are answered, of {_THREADS} people",
}
"""The options, and what they say."""


def run(size: Size = Size()) -> Iterator[Figure]:
    """Milliseconds from frame to commit, messages a second and answers a second, of both."""
    if (bin_ := programs()) is None:
        raise Skipped("PostgreSQL is not installed (Debian's package postgresql)")
    server = Server(bin_, safe=True)
    try:
        yield from _admission(server, size.burst)
        for engine, stage in {"SQLite": staged(), "PostgreSQL": _staged_on(server)}.items():
            with stage as ready:
                turns = measured(ready, _THREADS, size.turns)
            note = f"{size.turns} echoed, {turns.cpu_ms:.1f} ms of CPU of the gateway each; {_load()}"
            yield Figure(f"{engine}: turns, {_THREADS} threads", turns.per_second, "/s", note)
    finally:
        server.stop()


def _admission(server: Server, burst: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as name:
        folder = Path(name)
        stores: dict[str, AbstractAsyncContextManager[Store]] = {
            "SQLite": open_store(folder / "store.sqlite", folder / "lock", now_ms),
            "PostgreSQL": open_database(Address(server.database(folder)), folder / "audit", now_ms),
        }
        p50: dict[str, float] = {}
        for engine, opening in stores.items():
            took = asyncio.run(admitted(opening, burst))
            p50[engine] = took.steady.p50
            note = f"of a message, from its frame to the commit; p99 {took.steady.p99:.2f} ms; {_load()}"
            yield Figure(f"{engine}: admission at {PER_SECOND}/s, p50", took.steady.p50, "ms", note)
            note = f"messages; of one: {took.burst}; {_load()}"
            yield Figure(f"{engine}: admission of {burst} at once", took.rate, "/s", note)
        times = p50["PostgreSQL"] / p50["SQLite"]
        yield Figure("PostgreSQL beside SQLite, p50", times, "×", "of one message", limit=_MOST_TIMES)


def _staged_on(server: Server) -> AbstractContextManager[Stage]:
    """A gateway whose store is a database of the server's."""
    key = server.folder / "key"
    write_private(key, secrets.token_bytes(32))
    url = server.database(key)
    more = {"store": {"url": url}, "secrets": {"keyFile": str(key)}}
    return staged(more=more, profiles=lambda paths: profiles_on(paths, url, str(key)))


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"
