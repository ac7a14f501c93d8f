"""Saying that a store was put in the place of another one on purpose, so that its record reports no loss."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from clawlane.credentials.files import write_private
from clawlane.store.audit_heads import (
    Head,
    HeadDamaged,
    accounts_with_heads,
    file_of,
    folder_of,
    read_head,
    text_of,
    tip,
)
from clawlane.store.sqlite.connection import Connection, read_only


def explain(store: Path, why: str) -> None:
    """Say that a store is about to be what it is on purpose (`restored`, `rolled_back`, `reset`).

    Call it once the file is in its place, or gone, and before anything is written to it: the record of each
    account then says so at its next entry, and reports no loss. Raises `OSError`, and `sqlite3.Error`.
    """
    folder = folder_of(store)
    found: dict[str, Head] = {}
    for account in accounts_with_heads(folder):
        try:
            found[account] = read_head(folder, account) or Head()
        except HeadDamaged:
            found[account] = Head()
    if store.exists():
        with closing(read_only(store)) as db:
            for account in _recorded(db):
                known = found.get(account, Head())
                found[account] = max(known, tip(db, account), key=lambda one: one.number)
    for account, head in found.items():
        write_private(file_of(folder, account), text_of(Head(head.number, head.hash, why)))


def _recorded(db: Connection) -> list[str]:
    """The accounts that have a record; none in a store from before there were any."""
    try:
        db.execute("SELECT 1 FROM audit_log LIMIT 1")
    except sqlite3.OperationalError:
        return []
    return [str(row[0]) for row in db.execute("SELECT account FROM accounts")]
