"""Names for ids: as the account looked them up last, or as pairing met them."""

from __future__ import annotations

import sqlite3

from clawlane.messages import Thread, ThreadKind

_NAMES = (
    "SELECT name FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?",
    "SELECT sender_name FROM pairing WHERE account = ? AND sender_id = ?",
    "SELECT sender_name FROM approved WHERE account = ? AND sender_id = ?",
    "SELECT known_people.name FROM known_groups CROSS JOIN known_people USING (account, group_id)"
    " WHERE known_groups.account = ? AND user_id = ? AND known_people.name <> '' LIMIT 1",
)


def name_of(connection: sqlite3.Connection, account: str, user_id: str) -> str:
    """What a person is called: as a friend, in pairing, or as a member of a group. Empty if nobody knows."""
    for query in _NAMES:
        row = connection.execute(query, (account, user_id)).fetchone()
        if row and row[0]:
            return str(row[0])
    return ""


def group_name(connection: sqlite3.Connection, account: str, thread: Thread) -> str:
    """What a group is called; empty for a direct message, and where nobody knows."""
    if thread.kind is not ThreadKind.GROUP:
        return ""
    query = "SELECT name FROM known_groups WHERE account = ? AND group_id = ?"
    row = connection.execute(query, (account, thread.id)).fetchone()
    return str(row[0]) if row else ""
