"""Transitions of what came with messages: transcripts of voice, and which files have to go."""

from __future__ import annotations

import json
from collections.abc import Iterable

from clawlane.store.transaction import Tx

_TRANSCRIPT = 4
"""The place of the transcript in a stored attachment: kind, title, url, size, transcript."""

_MISSING = ["", "", "", 0, ""]
_QUOTED_ATTACHMENT = 4
"""The place of the attachment in a stored quote."""


def transcribed(tx: Tx, message: int, number: int | None, text: str) -> None:
    """Keep what was said in an attachment with the text of its message; None is the quoted attachment.

    It is forgotten with that text. Nothing is kept of a message whose text is gone.
    """
    query = "SELECT body FROM messages WHERE account = ? AND seq = ? AND body IS NOT NULL"
    row = tx.db.execute(query, (tx.account, message)).fetchone()
    if row is None:
        return
    body = json.loads(row["body"])
    stored = body["quote"][_QUOTED_ATTACHMENT] if number is None else body["attachments"][number]
    stored += _MISSING[len(stored) :]
    stored[_TRANSCRIPT] = text
    query = "UPDATE messages SET body = ? WHERE account = ? AND seq = ?"
    tx.db.execute(query, (json.dumps(body), tx.account, message))


def forgotten(tx: Tx, messages: Iterable[int]) -> list[int]:
    """Those of the messages whose text is gone: what came with them goes, too."""
    query = "SELECT 1 FROM messages WHERE account = ? AND seq = ? AND body IS NOT NULL"
    return [one for one in messages if tx.db.execute(query, (tx.account, one)).fetchone() is None]
