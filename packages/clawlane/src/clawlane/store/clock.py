"""The latest time at which an account changed, and what becomes of stored times when the clock is set back.

A pairing code must not live longer because the machine's clock went back. Once an account changes at an
earlier time than before, the times of its pairing are moved back by as much: what is left of each life stays.
"""

from __future__ import annotations

from clawlane.store.transaction import Tx

_STEP_MS = 15_000
"""How precisely the latest time is kept: not every change is worth a write."""

_JITTER_MS = 10_000
"""The clock may be corrected by as much without a consequence."""


def note(tx: Tx, latest_ms: int) -> None:
    """Before a change: keep its time, or move the times of pairing when it is earlier than `latest_ms`."""
    if latest_ms - tx.now_ms > _JITTER_MS:
        _move_back(tx, latest_ms - tx.now_ms)
    elif tx.now_ms - latest_ms <= _STEP_MS:
        return
    tx.db.execute(
        "INSERT INTO accounts (account, last_seen_ms) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_seen_ms = excluded.last_seen_ms",
        (tx.account, tx.now_ms),
    )


def _move_back(tx: Tx, by_ms: int) -> None:
    by = {"account": tx.account, "by": by_ms}
    tx.db.execute(
        "UPDATE pairing SET created_ms = created_ms - :by, expires_ms = expires_ms - :by,"
        " texted_ms = texted_ms - :by WHERE account = :account",
        by,
    )
    tx.db.execute(
        "UPDATE rejected SET rejected_ms = rejected_ms - :by, until_ms = until_ms - :by"
        " WHERE account = :account",
        by,
    )
    tx.db.execute("UPDATE lapsed SET at_ms = at_ms - :by WHERE account = :account", by)
    tx.db.execute(
        "UPDATE outbox SET created_ms = created_ms - :by, expires_ms = expires_ms - :by"
        " WHERE account = :account AND turn IS NULL AND purpose = 'challenge'",
        by,
    )
