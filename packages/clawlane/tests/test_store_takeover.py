"""Two stores on one database: only the newer owner of an account may write."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import Clock, store_in

from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import outbox
from clawlane.store.errors import StoreLost

ACCOUNT = "zalouser/default"
TEXTS = [Text(Thread(ThreadKind.DM, "11"), "chào")]


async def test_an_owner_who_has_written_before_is_shut_out_by_a_newer_one(tmp_path: Path) -> None:
    """On SQLite this takes a lock file that was removed; on PostgreSQL another gateway does it every day."""
    async with store_in(tmp_path, Clock()) as store, store.own(ACCOUNT) as older:
        first = [id_ for _ in range(2) for id_ in await older.run(outbox.queue, None, TEXTS)]
        async with store_in(tmp_path, Clock(), lock="other") as other, other.own(ACCOUNT) as newer:
            second = await newer.run(outbox.queue, None, TEXTS)
            with pytest.raises(StoreLost):
                await older.run(outbox.queue, None, TEXTS)
            third = await newer.run(outbox.queue, None, TEXTS)
        with store.read() as reader:
            assert [one.id for one in reader.outbox()] == [*first, *second, *third]
