"""What the platform wrote into a conversation itself, and items that nobody could read: kept for `why`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from clawlane.messages import Thread
from clawlane.store.codec import thread_of
from clawlane.store.newest import newest_of_accounts


@dataclass(frozen=True, slots=True)
class NotedItem:
    """A stored notice. Of an `unreadable` item `text` is why it could not be read; `thread` may be unknown.

    `repeats` is how often it came again.
    """

    account: str
    thread: Thread | None
    message_id: str
    actor_id: str
    kind: str
    text: str
    unreadable: bool
    sent_ms: int
    noted_ms: int
    repeats: int

    @property
    def read_ms(self) -> int:
        return self.noted_ms


def of_message(connection: sqlite3.Connection, message_id: str) -> list[NotedItem]:
    """What was noted under an id, over all accounts, in the order of reading."""
    rows = connection.execute(
        "SELECT notices.* FROM accounts CROSS JOIN notices"
        " ON notices.account = accounts.account AND notices.message_id = ? ORDER BY seq",
        (message_id,),
    )
    return list(map(_item, rows))


def newest(connection: sqlite3.Connection, limit: int) -> list[NotedItem]:
    """What was noted last, over all accounts, the newest first."""
    query = "SELECT * FROM notices WHERE account = ? ORDER BY seq DESC LIMIT ?"
    return list(map(_item, newest_of_accounts(connection, query, limit)))


def _item(row: sqlite3.Row) -> NotedItem:
    return NotedItem(
        account=row["account"],
        thread=thread_of(row) if row["thread_kind"] else None,
        message_id=row["message_id"],
        actor_id=row["actor_id"],
        kind=row["kind"],
        text=row["text"],
        unreadable=bool(row["unreadable"]),
        sent_ms=row["sent_ms"],
        noted_ms=row["noted_ms"],
        repeats=row["repeats"],
    )
