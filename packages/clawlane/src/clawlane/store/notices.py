"""The platform's own notices in a conversation, and unreadable items: kept for `why`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from clawlane.messages import Notice, Thread, Unreadable
from clawlane.store.aliases import is_id
from clawlane.store.codec import newest_of_accounts, storable, thread_of
from clawlane.store.transaction import Tx, count, next_number

COUNTED_AS = ("notice", "unreadable")
"""The counters' names, of a notice and of an item that could not be read."""


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


def note(tx: Tx, item: Notice | Unreadable) -> None:
    """Keep an item, once."""
    unreadable = isinstance(item, Unreadable)
    client_id = "" if isinstance(item, Unreadable) else item.client_id
    if _repeated(tx, item, client_id):
        return
    values = (
        tx.account,
        next_number(tx, "message"),
        item.thread.kind if item.thread else "",
        storable(item.thread.id) if item.thread else "",
        storable(item.message_id),
        storable(client_id),
        storable(item.sender_id if isinstance(item, Unreadable) else item.actor_id),
        storable(item.kind),
        storable(item.reason if isinstance(item, Unreadable) else item.text),
        unreadable,
        0 if isinstance(item, Unreadable) else item.sent_ms,
        tx.now_ms,
    )
    tx.db.execute(
        "INSERT INTO notices (account, seq, thread_kind, thread_id, message_id, client_id, actor_id, kind,"
        " text, unreadable, sent_ms, noted_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    count(tx, COUNTED_AS[unreadable])


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


def prune(tx: Tx, before_ms: int) -> None:
    """Forget what was noted before a time."""
    tx.db.execute("DELETE FROM notices WHERE account = ? AND noted_ms < ?", (tx.account, before_ms))


def _repeated(tx: Tx, item: Notice | Unreadable, client_id: str) -> bool:
    """Whether the item was noted before. That is counted."""
    column, id_ = ("message_id", item.message_id) if is_id(item.message_id) else ("client_id", client_id)
    if not is_id(id_):
        return False
    kind, thread_id = (item.thread.kind, item.thread.id) if item.thread else ("", "")
    cursor = tx.db.execute(
        f"UPDATE notices SET repeats = repeats + 1 WHERE account = ? AND {column} = ?"  # noqa: S608
        " AND thread_kind = ? AND thread_id = ? AND kind = ? AND unreadable = ?",
        (
            tx.account,
            storable(id_),
            kind,
            storable(thread_id),
            storable(item.kind),
            isinstance(item, Unreadable),
        ),
    )
    return cursor.rowcount > 0


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
