"""What questions and chores cost in a store of 300 000 messages, in milliseconds and in steps of SQLite."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.large_store import ACCOUNT, NOW, make_large_store
from clawlane.messages import ThreadKind
from clawlane.store import catch_up, retention, turns
from clawlane.store.connection import connect_reader
from clawlane.store.reader import Reader
from clawlane.store.transaction import Tx

_COUNT = 300_000
_PER_CALL = 1000


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="clawlane-bench-") as folder:
        path = Path(folder) / "store.sqlite"
        writer = make_large_store(path, _COUNT)
        print(f"store of {_COUNT} messages, {path.stat().st_size / 2**20:.0f} MB")
        _measure_chores(writer)
        with closing(connect_reader(path)) as connection:
            _measure_questions(Reader(connection))
        writer.close()


def _measure_chores(writer: sqlite3.Connection) -> None:
    tx = Tx(writer, ACCOUNT, NOW)
    _measure(writer, "retention with nothing to do", lambda: retention.prune(tx))
    _measure(
        writer, "the newest message, for catching up", lambda: catch_up.cursor(tx, ThreadKind.DM, 900_000, 0)
    )
    _measure(writer, "open turns at a start", lambda: turns.open_turns(tx))
    _measure(writer, "quick_check", lambda: writer.execute("PRAGMA quick_check(1)").fetchone())


def _measure_questions(reader: Reader) -> None:
    connection = reader._connection
    _measure(connection, "why --last 10", lambda: reader.newest_decided(10, dropped=False))
    _measure(connection, "why --dropped", lambda: reader.newest_decided(10, dropped=True))
    _measure(connection, "why ID", lambda: reader.decided("m77"))
    _measure(connection, "activity, for status", lambda: reader.activity(ACCOUNT))
    _measure(connection, "waiting turns, for status", lambda: reader.waiting_turns(ACCOUNT))
    _measure(connection, "expired, for status", lambda: reader.expired(ACCOUNT))
    _measure(connection, "threads, for pause", lambda: reader.threads(ACCOUNT, "t1"))
    _measure(connection, "outbox list --all", lambda: reader.outbox(settled=True))


def _measure(connection: sqlite3.Connection, what: str, work: Callable[[], object]) -> None:
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
    print(f"  {what}: {took:.1f} ms, {steps} steps")


if __name__ == "__main__":
    run()
