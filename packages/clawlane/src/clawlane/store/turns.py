"""Transitions of turns: run, tried again, replied, stopped, set aside, settled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from clawlane.access.decision import Decision
from clawlane.messages import Inbound, Outgoing
from clawlane.store import history, outbox
from clawlane.store.codec import inbound_of
from clawlane.store.decisions import Stage, record
from clawlane.store.parts import told
from clawlane.store.records import Context, OpenTurn, TurnState

TRIES = 4
"""How often a message is given to the agent before it is set aside."""

_TURNS = (
    "SELECT messages.*, turns.state, decisions.command FROM turns"
    " JOIN messages ON messages.seq = turns.message"
    " JOIN decisions ON decisions.message = turns.message AND decisions.stage = 'admission'"
)


def open_turns(connection: sqlite3.Connection, account: str) -> list[OpenTurn]:
    """What a restart has to go on with, in the order of admission.

    Turns that need a decision are not among it.
    """
    rows = connection.execute(
        f"{_TURNS} WHERE turns.account = ? AND turns.settled_ms IS NULL"
        " AND turns.state <> 'needs_decision' ORDER BY turns.message",
        (account,),
    )
    return [_open_turn(row, account) for row in rows]


def open_turn(connection: sqlite3.Connection, account: str, seq: int) -> OpenTurn:
    """One open turn."""
    row = connection.execute(f"{_TURNS} WHERE turns.message = ?", (seq,)).fetchone()
    return _open_turn(row, account)


def whole(connection: sqlite3.Connection, account: str, seq: int) -> OpenTurn | None:
    """A turn whose message still has its text."""
    row = connection.execute(f"{_TURNS} WHERE turns.message = ? AND body IS NOT NULL", (seq,)).fetchone()
    return _open_turn(row, account) if row else None


def _open_turn(row: sqlite3.Row, account: str) -> OpenTurn:
    return OpenTurn(
        seq=row["seq"],
        inbound=inbound_of(row, account.partition("/")[2]),
        read_ms=row["admitted_ms"],
        state=TurnState(row["state"]),
        command=row["command"],
    )


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
    """Write all chunks of a reply. True when there is something to send; without chunks the turn is done.

    Nothing is written for a turn that was stopped meanwhile.
    """
    if not outs:
        finish(connection, seq, TurnState.DONE, "no reply", now_ms)
        history.consume(connection, seq)
        return False
    cursor = connection.execute(
        "UPDATE turns SET state = 'replied', reason = '' WHERE message = ? AND settled_ms IS NULL", (seq,)
    )
    if cursor.rowcount:
        outbox.queue(connection, account, seq, outs, now_ms)
    return bool(cursor.rowcount)


def pending(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether chunks of this turn's reply still have to go."""
    query = "SELECT 1 FROM turns WHERE message = ? AND state = 'replied'"
    return connection.execute(query, (seq,)).fetchone() is not None


def fail(connection: sqlite3.Connection, seq: int, reason: str, now_ms: int) -> bool:
    """The agent could not answer. True if that was the last try and the message is set aside.

    The history that went with the turn stays.
    """
    row = connection.execute(
        "UPDATE turns SET state = 'waiting', reason = ? WHERE message = ? AND settled_ms IS NULL"
        " RETURNING attempts",
        (reason, seq),
    ).fetchone()
    if row is None or row["attempts"] < TRIES:
        return row is None
    finish(connection, seq, TurnState.DEAD, reason, now_ms)
    history.give_back(connection, seq)
    return True


def recover(connection: sqlite3.Connection, account: str, now_ms: int) -> int:
    """After a crash: what was running as often as it may is set aside. Gives how many turns that were.

    The others wait to be started again.
    """
    rows = connection.execute(
        "SELECT message FROM turns WHERE account = ? AND settled_ms IS NULL AND state = 'running'"
        " AND attempts >= ?",
        (account, TRIES),
    ).fetchall()
    for row in rows:
        reason = f"the gateway crashed while it was answered, and that was try {TRIES}"
        finish(connection, row["message"], TurnState.DEAD, reason, now_ms)
        history.give_back(connection, row["message"])
    connection.execute(
        "UPDATE turns SET state = 'waiting' WHERE account = ? AND settled_ms IS NULL AND state = 'running'",
        (account,),
    )
    return len(rows)


def put_back(connection: sqlite3.Connection, account: str) -> None:
    """An orderly stop interrupts what runs: that was no try."""
    connection.execute(
        "UPDATE turns SET state = 'waiting', attempts = attempts - 1"
        " WHERE account = ? AND settled_ms IS NULL AND state = 'running'",
        (account,),
    )


def stop(connection: sqlite3.Connection, account: str, seq: int, now_ms: int) -> list[int]:
    """End what was begun in the thread of this message before it. Gives the turns; what waits still waits."""
    rows = connection.execute(
        "SELECT begun.message FROM turns AS begun JOIN messages ON messages.seq = begun.message"
        " JOIN messages AS this ON this.seq = ? AND this.thread_kind = messages.thread_kind"
        "  AND this.thread_id = messages.thread_id"
        " WHERE begun.account = ? AND begun.settled_ms IS NULL AND begun.message < ?"
        "  AND (begun.state <> 'waiting' OR begun.attempts > 0) ORDER BY begun.message",
        (seq, account, seq),
    ).fetchall()
    for row in rows:
        turn = row["message"]
        outbox.cancel(connection, turn, 0, "stopped", now_ms)
        reply = told(connection, turn)
        finish(connection, turn, TurnState.STOPPED, f"stopped: {reply}" if reply else "stopped", now_ms)
        outbox.use_context(connection, turn)
    return [row["message"] for row in rows]


def finish(connection: sqlite3.Connection, seq: int, state: TurnState, reason: str, now_ms: int) -> None:
    """End an open turn."""
    connection.execute(
        "UPDATE turns SET state = ?, reason = ?, settled_ms = ? WHERE message = ? AND settled_ms IS NULL",
        (state, reason, now_ms, seq),
    )
