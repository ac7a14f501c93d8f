"""The newest rows over all accounts, without reading all of them: keys begin with the account."""

from __future__ import annotations

import sqlite3


def newest_of_accounts(connection: sqlite3.Connection, query: str, limit: int) -> list[sqlite3.Row]:
    """The rows with the highest `seq`, the newest first.

    `query` takes an account and a limit, and gives that account's newest first.
    """
    accounts = connection.execute("SELECT account FROM accounts").fetchall()
    rows = [row for found in accounts for row in connection.execute(query, (found["account"], limit))]
    return sorted(rows, key=lambda row: int(row["seq"]), reverse=True)[:limit]
