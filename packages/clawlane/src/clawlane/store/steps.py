"""Transitions of the steps of a turn: what its model answered and its tools gave back, each with its sends.

A step and the outbox rows of its calls are written in one transaction: after a crash either both are there,
or the model is asked again and nothing has left. They need not reach the disk at once: what sends a chunk, or
calls a tool that must not be called twice, waits for the disk, and with it for every step before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clawlane.messages import Outgoing
from clawlane.store import drafts, outbox, turns
from clawlane.store.drafts import NewDraft
from clawlane.store.models import Purpose
from clawlane.store.outbox import ToolCall
from clawlane.store.rows import exists, insert
from clawlane.store.transaction import Tx, lazy


@dataclass(frozen=True, slots=True)
class ToolSend:
    """What one call of a tool sends, in order. `step` is the number of its step, `call` its number there.

    With a `draft` it waits for the owner's approval.
    """

    step: int
    call: int
    outs: tuple[Outgoing, ...]
    draft: NewDraft | None = None


@lazy
def stored(tx: Tx, turn: int) -> tuple[str, ...]:
    """The steps of a turn so far, in order, as JSON."""
    query = "SELECT body FROM steps WHERE account = ? AND turn = ? ORDER BY number"
    return tuple(row["body"] for row in tx.db.execute(query, (tx.account, turn)))


@lazy
def add(tx: Tx, turn: int, run: int, number: int, body: str, sends: Sequence[ToolSend] = ()) -> bool:
    """Store a step with what its calls send. False if this run is void: then nothing is written.

    A step that is there already stays as it is, and what a call sends is queued once.
    """
    if not turns.is_running(tx, turn, run):
        return False
    known = "SELECT 1 FROM steps WHERE account = ? AND turn = ? AND number = ?"
    if exists(tx.db, known, tx.account, turn, number):
        return True
    insert(tx, "steps", turn=turn, number=number, body=body)
    for send in sends:
        call = ToolCall(turn, send.step, send.call)
        if outbox.of_call(tx, call) or drafts.of_call(tx, call):
            continue
        if send.draft is None:
            outbox.queue(tx, None, send.outs, Purpose.TOOL, call)
        else:
            drafts.of_tool(tx, call, send.outs, send.draft)
    return True
