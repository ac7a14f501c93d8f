"""Transitions of turns: run, replied, settled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from clawlane.access.decision import Decision
from clawlane.messages import Inbound, Outgoing
from clawlane.store import history, outbox
from clawlane.store.codec import inbound_of
from clawlane.store.decisions import Stage, record
from clawlane.store.records import Context, OpenTurn, TurnState


def open_turns(connection: sqlite3.Connection, account: str) -> list[OpenTurn]:
    """What a restart has to go on with, in the order of admission. Held turns are not among it."""
    rows = connection.execute(
        "SELECT messages.*, turns.state, decisions.command FROM turns"
        " JOIN messages ON messages.seq = turns.message"
        " JOIN decisions ON decisions.message = turns.message AND decisions.stage = 'admission'"
        " WHERE turns.account = ? AND turns.settled_ms IS NULL AND turns.state <> 'held'"
        " ORDER BY turns.message",
        (account,),
    )
    account_id = account.partition("/")[2]
    return [
        OpenTurn(
            seq=row["seq"],
            inbound=inbound_of(row, account_id),
            read_ms=row["admitted_ms"],
            state=TurnState(row["state"]),
            command=row["command"],
        )
        for row in rows
    ]


def start(
    connection: sqlite3.Connection, account: str, seq: int, context: Context
) -> tuple[Inbound, ...] | None:
    """Claim a turn for the agent, and the pending history that goes with it.

    None when there is nothing to run any more: it has replied, or was recalled.
    """
    cursor = connection.execute(
        "UPDATE turns SET state = 'running', attempts = attempts + 1"
        " WHERE message = ? AND state IN ('waiting', 'running')",
        (seq,),
    )
    return history.give(connection, account, seq, context) if cursor.rowcount else None


def revoke(connection: sqlite3.Connection, account: str, seq: int, decision: Decision, now_ms: int) -> None:
    """The sender is not admitted any more: recorded beside the first decision, and the text goes."""
    record(connection, account, seq, Stage.RUN, decision, now_ms)
    finish(connection, seq, TurnState.REVOKED, decision.reason, now_ms)
    history.give_back(connection, seq)
    connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (seq,))


def reply(
    connection: sqlite3.Connection, account: str, seq: int, outs: Sequence[Outgoing], now_ms: int
) -> bool:
    """Write all chunks of a reply. True when there is something to send; without chunks the turn is done."""
    if not outs:
        finish(connection, seq, TurnState.DONE, "no reply", now_ms)
        history.consume(connection, seq)
        return False
    outbox.queue(connection, account, seq, outs, now_ms)
    connection.execute("UPDATE turns SET state = 'replied' WHERE message = ?", (seq,))
    return True


def pending(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether chunks of this turn's reply still have to go."""
    query = "SELECT 1 FROM turns WHERE message = ? AND state = 'replied'"
    return connection.execute(query, (seq,)).fetchone() is not None


def fail(connection: sqlite3.Connection, seq: int, reason: str, now_ms: int) -> None:
    """The agent could not answer. The history that went with the turn stays."""
    finish(connection, seq, TurnState.FAILED, reason, now_ms)
    history.give_back(connection, seq)


def finish(connection: sqlite3.Connection, seq: int, state: TurnState, reason: str, now_ms: int) -> None:
    """End an open turn."""
    connection.execute(
        "UPDATE turns SET state = ?, reason = ?, settled_ms = ? WHERE message = ? AND settled_ms IS NULL",
        (state, reason, now_ms, seq),
    )
