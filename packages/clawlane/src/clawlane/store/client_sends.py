"""What agents elsewhere send through the MCP server: queued, or kept as a draft."""

from __future__ import annotations

from collections.abc import Sequence

from clawlane.messages import Outgoing, Reaction
from clawlane.store import drafts, outbox
from clawlane.store.draft_told import NO_TURN
from clawlane.store.drafts import NewDraft
from clawlane.store.models import Purpose
from clawlane.store.transaction import Tx


def queue(tx: Tx, outs: Sequence[Outgoing], most: int) -> list[int] | None:
    """Queue what is sent at once to one thread, unless `most` of clients wait already: None then.

    Gives the outbox numbers: none if it is switched off.
    """
    if _waiting(tx) >= most:
        return None
    numbers = outbox.queue(tx, None, outs, Purpose.CLIENT)
    if any(not isinstance(out, Reaction) for out in outs):
        drafts.overtake(tx, outs[0].thread)
    tx.note(thread=str(outs[0].thread), chunks=len(numbers))
    return numbers


def draft(tx: Tx, outs: Sequence[Outgoing], new: NewDraft, most: int) -> int | None:
    """Keep it as a draft that waits for approval. Gives its number, and None as `queue` does."""
    if _waiting(tx) >= most:
        return None
    number = drafts.of_client(tx, outs, new)
    tx.note(thread=str(outs[0].thread), draft=number)
    return number


def _waiting(tx: Tx) -> int:
    """How much of clients waits on the account: to be sent, or for approval."""
    row = tx.db.execute(
        "SELECT (SELECT count(*) FROM outbox WHERE account = :account AND settled_ms IS NULL"
        "  AND purpose = 'client')"
        " + (SELECT count(*) FROM drafts WHERE account = :account AND decided_ms IS NULL AND turn = :none)",
        {"account": tx.account, "none": NO_TURN},
    ).fetchone()
    return int(row[0])
