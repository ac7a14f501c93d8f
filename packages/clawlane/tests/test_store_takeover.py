"""Two stores on one file, as when a lock file was deleted: only the newer owner of an account may write."""

from __future__ import annotations

from pathlib import Path

import pytest

from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import outbox
from clawlane.store.database import open_store
from clawlane.store.errors import StoreLost

NOW = 1_700_000_000_000
ACCOUNT = "zalouser/default"
TEXTS = [Text(Thread(ThreadKind.DM, "11"), "chào")]


async def test_an_owner_who_has_written_before_is_shut_out_by_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with open_store(path, tmp_path / "lock", lambda: NOW) as store, store.own(ACCOUNT) as older:
        first = [id_ for _ in range(2) for id_ in await older.run(outbox.queue, None, TEXTS)]
        async with open_store(path, tmp_path / "other", lambda: NOW) as other, other.own(ACCOUNT) as newer:
            second = await newer.run(outbox.queue, None, TEXTS)
            with pytest.raises(StoreLost):
                await older.run(outbox.queue, None, TEXTS)
            third = await newer.run(outbox.queue, None, TEXTS)
        with store.read() as reader:
            assert [one.id for one in reader.outbox()] == [*first, *second, *third]
