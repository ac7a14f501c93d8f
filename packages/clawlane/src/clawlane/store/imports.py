"""Transitions of an import: people whom another program let in, or who wait there. Each can be repeated."""

from __future__ import annotations

from clawlane.access import pairing
from clawlane.access.decision import Reason
from clawlane.store.codec import storable
from clawlane.store.pairing import admit_approved, requests
from clawlane.store.rows import exists, insert
from clawlane.store.transaction import Tx


def approve(tx: Tx, sender_id: str, name: str) -> bool:
    """Let somebody in. False for those who are in already, or were turned away here."""
    if _knows(tx, "approved", sender_id) or _knows(tx, "rejected", sender_id):
        return False
    admit_approved(tx, sender_id, storable(name), "")
    tx.note(sender_id=sender_id)
    return True


def request(tx: Tx, sender_id: str, name: str, code: str, created_ms: int) -> bool:
    """Let somebody wait with the code that they were sent.

    False for those who are let in, turned away or waiting already, for a code that is used or has expired,
    and where no place is free.
    """
    if any(_knows(tx, table, sender_id) for table in ("approved", "rejected", "pairing")):
        return False
    expires_ms = created_ms + pairing.CODE_LIFE_MS
    waiting = requests(tx.db, tx.account, sender_id, tx.now_ms)
    taken = exists(tx.db, "SELECT 1 FROM pairing WHERE code = ?", code)
    if expires_ms <= tx.now_ms or taken or (waiting.full and not waiting.known_friend):
        return False
    insert(
        tx,
        "pairing",
        sender_id=sender_id,
        sender_name=storable(name),
        code=code,
        reason=Reason.DM_PAIRING_REQUIRED,
        created_ms=created_ms,
        expires_ms=expires_ms,
        texted_ms=created_ms,
    )
    tx.note(sender_id=sender_id)
    return True


def _knows(tx: Tx, table: str, sender_id: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE account = ? AND sender_id = ?"  # noqa: S608
    return exists(tx.db, query, tx.account, sender_id)
