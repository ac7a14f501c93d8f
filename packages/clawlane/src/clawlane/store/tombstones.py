"""Recalls that come before their message: kept until the message could not be answered any more anyway."""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.messages import Inbound, Thread
from clawlane.store import aliases
from clawlane.store.aliases import Id
from clawlane.store.transaction import Tx

AFTER_MS = 3_600_000
"""How much longer than `backlogMaxAge` a message that was recalled is waited for."""


def bury(tx: Tx, thread: Thread, author_id: str, ids: Sequence[Id], told: str, keep_ms: int) -> None:
    """Expect a message that was taken back. `told` says by whom."""
    tx.db.executemany(
        "INSERT INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET expires_ms = max(expires_ms, excluded.expires_ms)",
        [
            (tx.account, thread.kind, thread.id, author_id, id_, kind, told, tx.now_ms, tx.now_ms + keep_ms)
            for kind, id_ in ids
        ],
    )


def recalled(tx: Tx, inbound: Inbound) -> str:
    """By whom a message was taken back before it came, in words; empty if it was not."""
    for kind, id_ in aliases.keys(inbound):
        row = tx.db.execute(
            "SELECT told FROM tombstones WHERE account = ? AND thread_kind = ? AND thread_id = ?"
            " AND author_id = ? AND id = ? AND kind = ? AND expires_ms > ?",
            (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, id_, kind, tx.now_ms),
        ).fetchone()
        if row is not None:
            return str(row["told"])
    return ""


def prune(tx: Tx) -> None:
    """Forget what nobody waits for any more."""
    tx.db.execute("DELETE FROM tombstones WHERE account = ? AND expires_ms <= ?", (tx.account, tx.now_ms))
