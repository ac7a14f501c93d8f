"""What questions and chores cost in a store of 300 000 messages, in milliseconds and in steps of SQLite.

The steps are the same on a busy machine as on an idle one.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.large_store import ACCOUNT, NOW, make_large_store
from clawlane.messages import ThreadKind
from clawlane.store import catch_up, retention, turns
from clawlane.store.reader import Reader
from clawlane.store.sqlite.connection import connect_reader
from clawlane.store.transaction import Tx
from clawlane.store.why_search import Wanted

_COUNT = 300_000
_PER_CALL = 1000


def run() -> Iterator[Figure]:
    """Milliseconds and steps of each."""
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder:
        path = Path(folder) / "store.sqlite"
        with closing(make_large_store(path, _COUNT)) as writer:
            yield Figure(f"store of {_COUNT} messages", path.stat().st_size / 2**20, "MiB")
            for what, work in _chores(Tx(writer, ACCOUNT, NOW)).items():
                yield _measured(writer, what, work)
            with closing(connect_reader(path)) as connection:
                for what, work in _questions(Reader(connection)).items():
                    yield _measured(connection, what, work)


def _chores(tx: Tx) -> dict[str, Callable[[], object]]:
    return {
        "retention with nothing to do": lambda: retention.prune(tx),
        "newest message, to catch up": lambda: catch_up.cursor(tx, ThreadKind.DM, 900_000, 0),
        "open turns at a start": lambda: turns.open_turns(tx),
        "quick_check": lambda: tx.db.execute("PRAGMA quick_check(1)").fetchone(),
    }


def _questions(reader: Reader) -> dict[str, Callable[[], object]]:
    return {
        "why --last 10": lambda: reader.search(Wanted(), 10).messages,
        "why --dropped": lambda: reader.search(Wanted(dropped=True), 10).messages,
        "why ID": lambda: reader.decided("m77"),
        "activity, for status": lambda: reader.activity(ACCOUNT),
        "waiting turns, for status": lambda: reader.waiting_turns(ACCOUNT),
        "expired, for status": lambda: reader.expired(ACCOUNT),
        "threads, for pause": lambda: reader.threads(ACCOUNT, "t1"),
        "outbox list --all": lambda: reader.outbox(settled=True),
    }


def _measured(connection: sqlite3.Connection, what: str, work: Callable[[], object]) -> Figure:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += _PER_CALL
        return 0

    connection.set_progress_handler(step, _PER_CALL)
    started = time.perf_counter()
    work()
    took = 1000 * (time.perf_counter() - started)
    connection.set_progress_handler(None, 0)
    return Figure(what, took, "ms", f"{steps} steps")
