"""The platform's own notices in a conversation, and unreadable items: kept for `why`."""

from __future__ import annotations

from clawlane.messages import Notice, Unreadable
from clawlane.store import directory
from clawlane.store.aliases import is_id
from clawlane.store.codec import storable, thread_of
from clawlane.store.rows import insert, of_accounts, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.told import NotedItem
from clawlane.store.transaction import Tx, count

COUNTED_AS = ("notice", "unreadable")
"""The counters' names, of a notice and of an item that could not be read."""


def note(tx: Tx, item: Notice | Unreadable) -> bool:
    """Store an item, once: False for a repeat, which is counted."""
    match item:
        case Notice():
            client_id, actor_id, text, sent_ms = item.client_id, item.actor_id, item.text, item.sent_ms
        case Unreadable():
            client_id, actor_id, text, sent_ms = "", item.sender_id, item.reason, 0
    unreadable = isinstance(item, Unreadable)
    what = {
        "thread_kind": item.thread.kind if item.thread else "",
        "thread_id": storable(item.thread.id) if item.thread else "",
        "kind": storable(item.kind),
        "unreadable": unreadable,
    }
    ids = {"message_id": storable(item.message_id), "client_id": storable(client_id)}
    column = next((name for name, id_ in ids.items() if is_id(id_)), None)
    if column is not None:
        cursor = tx.db.execute(
            f"UPDATE notices SET repeats = repeats + 1 WHERE account = ? AND {column} = ?"  # noqa: S608
            " AND thread_kind = ? AND thread_id = ? AND kind = ? AND unreadable = ?",
            (tx.account, ids[column], *what.values()),
        )
        if cursor.rowcount:
            return False
    insert(
        tx,
        "notices",
        seq=tx.db.next_number("message"),
        **what,
        **ids,
        actor_id=storable(actor_id),
        text=storable(text),
        sent_ms=sent_ms,
        noted_ms=tx.now_ms,
    )
    count(tx, COUNTED_AS[unreadable])
    return True


def of_message(connection: Database, message_id: str) -> list[NotedItem]:
    """What was noted under an id, over all accounts, in the order of reading."""
    rows = of_accounts(connection, "SELECT * FROM notices WHERE account = ? AND message_id = ?", message_id)
    return [item(connection, row) for row in sorted(rows, key=lambda row: int(row["seq"]))]


def item(connection: Database, row: Row) -> NotedItem:
    """A notice, from its row."""
    account, thread = row["account"], thread_of(row) if row["thread_kind"] else None
    return value_of(
        NotedItem,
        row,
        thread=thread,
        unreadable=bool(row["unreadable"]),
        read_ms=row["noted_ms"],
        actor_name=directory.name_of(connection, account, row["actor_id"]) if row["actor_id"] else "",
        group_name=directory.group_name(connection, account, thread) if thread else "",
    )
