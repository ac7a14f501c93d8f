"""Since when the session of an account warms up, kept so that neither a restart nor a new login starts over.

A login is the same person's next one, and goes on where the last one was, if the account was in use within
`AGAIN_MS` before it. The time of a login is told by the session itself: one that was restored from a backup
or imported counts from its own login.
"""

from __future__ import annotations

from clawlane.store.rows import change, put
from clawlane.store.send_log import DAY_MS
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx

AGAIN_MS = 14 * DAY_MS


def begin(tx: Tx, user_id: str, login_ms: int | None) -> int:
    """Note which session runs now. Gives since when it warms up.

    Where the session does not tell its login, a new one counts from now.
    """
    query = "SELECT user_id, begun_ms, seen_ms FROM warm_ups WHERE account = ?"
    before = tx.db.execute(query, (tx.account,)).fetchone()
    login_ms = None if login_ms is None else min(login_ms, tx.now_ms)
    begun_ms = tx.now_ms if login_ms is None else login_ms
    if before is not None and before["user_id"] == user_id:
        in_use = login_ms is None or login_ms <= before["seen_ms"] + AGAIN_MS
        begun_ms = min(before["begun_ms"], begun_ms) if in_use else begun_ms
    put(tx, "warm_ups", {}, user_id=user_id, begun_ms=begun_ms, seen_ms=tx.now_ms)
    return begun_ms


def seen(tx: Tx) -> None:
    """Note that the account is in use."""
    change(tx, "warm_ups", {}, seen_ms=tx.now_ms)


def begun_ms(connection: Database, account: str) -> int | None:
    """Since when the session of an account warms up, or did; None for one that never ran."""
    row = connection.execute("SELECT begun_ms FROM warm_ups WHERE account = ?", (account,)).fetchone()
    return int(row["begun_ms"]) if row else None
