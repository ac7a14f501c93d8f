"""Transitions of messages and turns: admitted once, run, replied, settled."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from clawlane.access.decision import Decision, Outcome
from clawlane.messages import Inbound, Outgoing, Undone
from clawlane.store import outbox, pairing
from clawlane.store.codec import inbound_body, inbound_of
from clawlane.store.records import Admitted, Arrival, OpenTurn, TurnState


def admit(connection: sqlite3.Connection, account: str, arrival: Arrival) -> Admitted:
    """Store a message with its decision, once. Of what is not admitted only ids stay, not the text."""
    inbound, now_ms = arrival.inbound, arrival.read_ms
    known = connection.execute(
        "SELECT seq FROM messages WHERE account = ? AND message_id = ?", (account, inbound.message_id)
    ).fetchone()
    if known:
        return Admitted(known["seq"], inbound, arrival.decision, now_ms, fresh=False)
    decision = arrival.decision
    if decision.outcome is Outcome.CHALLENGE:
        decision = pairing.meet(connection, account, arrival)
    seq = _insert_message(connection, account, inbound, decision.admitted, now_ms)
    _record(connection, account, seq, "admission", decision, now_ms)
    connection.execute(
        "INSERT INTO accounts (account, last_inbound_ms) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_inbound_ms = excluded.last_inbound_ms",
        (account, now_ms),
    )
    if decision.admitted:
        connection.execute(
            "INSERT INTO turns (message, account, state) VALUES (?, ?, ?)", (seq, account, TurnState.WAITING)
        )
    return Admitted(seq, inbound, decision, now_ms)


def open_turns(connection: sqlite3.Connection, account: str) -> list[OpenTurn]:
    """What a restart has to go on with, in the order of admission. Held turns are not among it."""
    rows = connection.execute(
        "SELECT messages.*, turns.state FROM turns JOIN messages ON messages.seq = turns.message"
        " WHERE turns.account = ? AND turns.settled_ms IS NULL AND turns.state <> 'held'"
        " ORDER BY turns.message",
        (account,),
    )
    account_id = account.partition("/")[2]
    return [
        OpenTurn(row["seq"], inbound_of(row, account_id), row["admitted_ms"], TurnState(row["state"]))
        for row in rows
    ]


def start(connection: sqlite3.Connection, seq: int) -> bool:
    """Claim a turn for the agent.

    False when there is nothing to run any more: it has replied, or was recalled.
    """
    cursor = connection.execute(
        "UPDATE turns SET state = 'running', attempts = attempts + 1"
        " WHERE message = ? AND state IN ('waiting', 'running')",
        (seq,),
    )
    return cursor.rowcount == 1


def revoke(connection: sqlite3.Connection, account: str, seq: int, decision: Decision, now_ms: int) -> None:
    """The sender is not admitted any more: recorded beside the first decision, and the text goes."""
    _record(connection, account, seq, "run", decision, now_ms)
    _finish(connection, seq, TurnState.REVOKED, decision.reason, now_ms)
    connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (seq,))


def reply(
    connection: sqlite3.Connection, account: str, seq: int, outs: Sequence[Outgoing], now_ms: int
) -> bool:
    """Write all chunks of a reply. True when there is something to send; without chunks the turn is done."""
    if not outs:
        _finish(connection, seq, TurnState.DONE, "no reply", now_ms)
        return False
    outbox.queue(connection, account, seq, outs, now_ms)
    connection.execute("UPDATE turns SET state = 'replied' WHERE message = ?", (seq,))
    return True


def pending(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether chunks of this turn's reply still have to go."""
    query = "SELECT 1 FROM turns WHERE message = ? AND state = 'replied'"
    return connection.execute(query, (seq,)).fetchone() is not None


def fail(connection: sqlite3.Connection, seq: int, reason: str, now_ms: int) -> None:
    """The agent could not answer."""
    _finish(connection, seq, TurnState.FAILED, reason, now_ms)


def recall(connection: sqlite3.Connection, account: str, undone: Undone, now_ms: int) -> None:
    """Its author took a message back: what has not been answered yet is not answered, and its text goes."""
    row = connection.execute(
        "SELECT seq FROM messages JOIN turns ON turns.message = messages.seq"
        " WHERE messages.account = ? AND message_id = ? AND sender_id = ? AND turns.state = 'waiting'",
        (account, undone.message_id, undone.actor_id),
    ).fetchone()
    if row:
        _finish(connection, row["seq"], TurnState.RECALLED, "recalled by its author", now_ms)
        connection.execute("UPDATE messages SET body = NULL WHERE seq = ?", (row["seq"],))


def _insert_message(
    connection: sqlite3.Connection, account: str, inbound: Inbound, keep: bool, now_ms: int
) -> int:
    cursor = connection.execute(
        "INSERT INTO messages"
        " (account, message_id, thread_kind, thread_id, sender_id, sent_ms, admitted_ms, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            inbound.message_id,
            inbound.thread.kind,
            inbound.thread.id,
            inbound.sender_id,
            inbound.sent_ms,
            now_ms,
            inbound_body(inbound) if keep else None,
        ),
    )
    return int(cursor.lastrowid or 0)


def _record(
    connection: sqlite3.Connection, account: str, seq: int, stage: str, decision: Decision, now_ms: int
) -> None:
    rule = decision.rule
    trail = json.dumps(decision.trail)
    connection.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, account, stage, now_ms, decision.outcome, decision.reason, rule.path, rule.origin, trail),
    )
    connection.execute(
        "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT (account, reason) DO UPDATE SET n = n + 1",
        (account, decision.reason),
    )


def _finish(connection: sqlite3.Connection, seq: int, state: TurnState, reason: str, now_ms: int) -> None:
    connection.execute(
        "UPDATE turns SET state = ?, reason = ?, settled_ms = ? WHERE message = ? AND settled_ms IS NULL",
        (state, reason, now_ms, seq),
    )
