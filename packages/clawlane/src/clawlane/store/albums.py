"""Transitions of albums: their parts wait, and are decided as one when the album closes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from clawlane.access.decision import ALBUM, Decision, Outcome, Reason, Rule
from clawlane.messages import Inbound, ThreadKind
from clawlane.store.transaction import Tx


def decision_after(tx: Tx, inbound: Inbound, history_limit: int) -> Decision | None:
    """What becomes of a part that comes after its album was decided; None if that is still to be done.

    It is context of its group where the album was listened to, and else falls under the album's decision.
    """
    if inbound.album is None:
        return None
    row = tx.db.execute(
        "SELECT decisions.* FROM messages JOIN decisions"
        " ON decisions.account = messages.account AND decisions.message = seq AND stage = 'admission'"
        " WHERE messages.account = ? AND thread_kind = ? AND thread_id = ? AND sender_id = ? AND album = ?"
        " AND album <> '' ORDER BY seq LIMIT 1",
        (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, inbound.album.id),
    ).fetchone()
    return _after(row, inbound, history_limit) if row else None


def without_parts_of(tx: Tx, seqs: Sequence[int]) -> list[int]:
    """Take parts out of what waits. Gives those that did: others were recalled meanwhile."""
    query = "DELETE FROM undecided WHERE account = ? AND message = ?"
    return [seq for seq in seqs if tx.db.execute(query, (tx.account, seq)).rowcount]


def _after(row: sqlite3.Row, inbound: Inbound, history_limit: int) -> Decision:
    trail = tuple(json.loads(row["trail"]))
    if row["outcome"] in (Outcome.ADMIT, Outcome.PEND):
        keep = inbound.thread.kind is ThreadKind.GROUP and history_limit > 0
        return Decision(Outcome.PEND, Reason.ALBUM_CLOSED, ALBUM, trail, keep_as_history=keep)
    rule = Rule(row["rule_path"], row["rule_origin"], row["rule_line"])
    keep = bool(row["keep_as_history"])
    decision = Decision(Outcome(row["outcome"]), Reason(row["reason"]), rule, trail, keep_as_history=keep)
    if decision.reason is Reason.DM_PAIRING_REQUIRED:
        return replace(decision, reason=Reason.DM_PAIRING_PENDING)
    return decision
