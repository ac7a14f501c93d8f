"""Transitions of calls that must not be made twice: begun before they are made, finished with their result.

A call belongs to the step that asks for it, and goes when that goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clawlane.store import turns
from clawlane.store.rows import change, insert
from clawlane.store.transaction import Tx, lazy


class CallState(StrEnum):
    """What is known of a call: a new one may be made, a void one belongs to a run that is over."""

    NEW = "new"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call, and its result if it is finished."""

    state: CallState
    result: str = ""


def begin(tx: Tx, turn: int, run: int, step: int, call: int, tool: str) -> KnownCall:
    """Mark a call as begun, which is on the disk before it is made; or say what became of it before."""
    if not turns.is_running(tx, turn, run):
        return KnownCall(CallState.VOID)
    query = "SELECT result FROM tool_calls WHERE account = ? AND turn = ? AND step = ? AND call = ?"
    row = tx.db.execute(query, (tx.account, turn, step, call)).fetchone()
    if row is None:
        insert(tx, "tool_calls", turn=turn, step=step, call=call, tool=tool, begun_ms=tx.now_ms)
        return KnownCall(CallState.NEW)
    if row["result"] is None:
        return KnownCall(CallState.INTERRUPTED)
    return KnownCall(CallState.FINISHED, row["result"])


@lazy
def begun(tx: Tx, turn: int) -> frozenset[str]:
    """The tools of all calls that were begun in a turn."""
    query = "SELECT DISTINCT tool FROM tool_calls WHERE account = ? AND turn = ?"
    return frozenset(row["tool"] for row in tx.db.execute(query, (tx.account, turn)))


@lazy
def finish(tx: Tx, turn: int, step: int, call: int, result: str) -> None:
    """Keep the result of a call, for a run that ends before the step with the results is stored."""
    change(tx, "tool_calls", {"turn": turn, "step": step, "call": call}, result=result)
