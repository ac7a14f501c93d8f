"""Kept reports of the ritual that proves a lane."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.store.rows import insert, value_of
from clawlane.store.sql import Database
from clawlane.store.transaction import Tx

KEPT = 50
"""The newest reports of an account that are kept."""


@dataclass(frozen=True, slots=True)
class KeptVerification:
    """One run. `policy` is the digest of who could write then, `report` is JSON."""

    account: str
    at_ms: int
    passed: bool
    policy: str
    report: str


def record(tx: Tx, policy: str, report: str, *, passed: bool) -> KeptVerification:
    """Keep a report, and of the account only the newest ones."""
    last = tx.db.execute(
        "SELECT max(at_ms) AS at_ms FROM verifications WHERE account = ?", (tx.account,)
    ).fetchone()["at_ms"]
    at_ms = tx.now_ms if last is None else max(tx.now_ms, last + 1)
    insert(tx, "verifications", at_ms=at_ms, passed=passed, policy=policy, report=report)
    oldest = tx.db.execute(
        "SELECT at_ms FROM verifications WHERE account = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?",
        (tx.account, KEPT),
    ).fetchone()
    if oldest is not None:
        query = "DELETE FROM verifications WHERE account = ? AND at_ms <= ?"
        tx.db.execute(query, (tx.account, oldest["at_ms"]))
    tx.note(passed=passed)
    return KeptVerification(tx.account, at_ms, passed, policy, report)


def kept(connection: Database, account: str, limit: int = KEPT) -> list[KeptVerification]:
    """The newest reports of an account, the newest first."""
    rows = connection.execute(
        "SELECT * FROM verifications WHERE account = ? ORDER BY at_ms DESC LIMIT ?", (account, limit)
    )
    return [value_of(KeptVerification, row, passed=bool(row["passed"])) for row in rows]
