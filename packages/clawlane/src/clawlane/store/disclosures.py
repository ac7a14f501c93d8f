"""Who was told that a program answers: with which chunk, so that what never left does not count."""

from __future__ import annotations

from clawlane.messages import Media, Outgoing, Text
from clawlane.store.rows import put
from clawlane.store.transaction import Tx, lazy

AGAIN_MS = 90 * 86_400_000
"""After so long somebody is told again."""


def keep(tx: Tx, chunk_id: int, out: Outgoing) -> None:
    """Note that a new chunk tells somebody."""
    if isinstance(out, Text | Media) and out.discloses:
        put(tx, "disclosed", {"whom": out.discloses}, chunk=chunk_id, at_ms=tx.now_ms)


@lazy
def is_due(tx: Tx, whom: str) -> bool:
    """Whether somebody has to be told: never was, long ago, or by a chunk that did not leave."""
    row = tx.db.execute(
        "SELECT at_ms, state FROM disclosed LEFT JOIN outbox"
        " ON outbox.account = disclosed.account AND outbox.id = disclosed.chunk"
        " WHERE disclosed.account = ? AND whom = ?",
        (tx.account, whom),
    ).fetchone()
    if row is None or tx.now_ms - row["at_ms"] > AGAIN_MS:
        return True
    return row["state"] in ("refused", "cancelled", "expired")
