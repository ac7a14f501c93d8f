"""Rows that are written by the names of their columns, and read as values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product

import pytest
from packages.clawlane.tests.opened_store import LANE, NOW

from clawlane.messages import Thread, ThreadKind
from clawlane.store.codec import thread_of
from clawlane.store.rows import change, exists, insert, of_accounts, put, value_of
from clawlane.store.sqlite.connection import connect_nothing
from clawlane.store.transaction import Tx

OTHER = "zalouser/other"
PAUSES = "SELECT * FROM pauses WHERE account = ? ORDER BY thread_id"


@dataclass(frozen=True)
class Paused:
    account: str
    thread: Thread
    level: str
    until_ms: int | None


@pytest.fixture
def tx() -> Iterator[Tx]:
    with closing(connect_nothing()) as connection:
        for account, thread_id in product((LANE, OTHER), ("11", "22")):
            tx = Tx(connection, account, NOW)
            insert(tx, "pauses", thread_kind="dm", thread_id=thread_id, level="mute", since_ms=NOW)
            put(tx, "accounts", {}, last_client_id=1)
        yield Tx(connection, LANE, NOW)


def levels(tx: Tx, account: str = LANE) -> list[str]:
    return [row["level"] for row in tx.db.execute(PAUSES, (account,))]


def test_a_row_is_put_in_the_place_of_the_one_with_its_key(tx: Tx) -> None:
    for thread_id in ("11", "33"):
        put(tx, "pauses", {"thread_kind": "dm", "thread_id": thread_id}, level="offline", since_ms=NOW)
    assert levels(tx) == ["offline", "mute", "offline"]
    assert levels(tx, OTHER) == ["mute", "mute"]


def test_rows_with_these_values_change_and_none_stands_for_no_value(tx: Tx) -> None:
    assert (
        change(tx, "pauses", {"thread_id": "11", "until_ms": None}, until_ms=NOW, level="offline").rowcount
        == 1
    )
    assert change(tx, "pauses", {"thread_id": "11", "until_ms": None}, level="mute").rowcount == 0
    assert change(tx, "pauses", {"until_ms": NOW}, ended_ms=NOW).rowcount == 1
    assert levels(tx) == ["offline", "mute"]
    assert levels(tx, OTHER) == ["mute", "mute"]


def test_a_row_exists_or_not(tx: Tx) -> None:
    query = "SELECT 1 FROM pauses WHERE account = ? AND thread_id = ?"
    assert exists(tx.db, query, LANE, "11")
    assert not exists(tx.db, query, LANE, "33")


def test_a_value_has_the_columns_of_its_fields(tx: Tx) -> None:
    row = tx.db.execute(PAUSES, (LANE,)).fetchone()
    found = value_of(Paused, row, thread=thread_of(row))
    assert found == Paused(LANE, Thread(ThreadKind.DM, "11"), "mute", None)


def test_every_account_is_asked(tx: Tx) -> None:
    assert len(of_accounts(tx.db, PAUSES)) == 4
