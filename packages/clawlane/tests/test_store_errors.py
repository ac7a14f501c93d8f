"""What is said where the store takes a change for wrong: no more than what is wrong."""

from __future__ import annotations

import pytest

from clawlane.store.database import Store
from clawlane.store.sql import Database

SECRET = "mật mã 873190442617"


async def test_why_nothing_can_be_stored_shows_nothing_of_what_was_to_be(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(db: Database, _now_ms: int) -> None:
        db.execute("INSERT INTO pairing (account, sender_id, sender_name) VALUES ('a', 'b', ?)", (SECRET,))

    def miscount(db: Database, _now_ms: int) -> None:
        db.execute(f"SELECT no_such_column, '{SECRET}' FROM pairing")

    for wrong in (spoil, miscount):
        with pytest.raises(Exception, match=r"code|no_such_column") as told:
            await store.change(wrong)
        for said in (store.failing, str(told.value), repr(told.value), caplog.text):
            assert SECRET not in said
