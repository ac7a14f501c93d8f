"""Forgetting what a message said, while its ids and decisions stay."""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.store.transaction import Tx


def forget_texts(tx: Tx, messages: Iterable[int]) -> None:
    """Remove the bodies of messages. The pages are overwritten (`secure_delete`)."""
    tx.db.executemany(
        "UPDATE messages SET body = NULL WHERE account = ? AND seq = ?",
        [(tx.account, seq) for seq in messages],
    )
