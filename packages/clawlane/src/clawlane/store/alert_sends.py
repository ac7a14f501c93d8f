"""An alert that another account sends: handed over from its delivery to the outbox, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clawlane.messages import Outgoing
from clawlane.store import outbox
from clawlane.store.deliveries import taken
from clawlane.store.models import Purpose
from clawlane.store.rows import exists
from clawlane.store.transaction import Tx


def hand_over(tx: Tx, source: str, delivery: str, outs: Sequence[Outgoing]) -> None:
    """Queue the text of a delivery of the account `source` in the outbox of this one, which sends it.

    Both are done or neither. Nothing is queued for a delivery that is gone.
    """
    of_source = replace(tx, account=source)
    if exists(tx.db, "SELECT 1 FROM deliveries WHERE account = ? AND id = ?", source, delivery):
        outbox.queue(tx, None, outs, Purpose.ALERT)
        taken(of_source, delivery)
