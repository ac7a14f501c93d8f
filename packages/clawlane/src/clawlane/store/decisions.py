"""Recorded decisions: written with the message they are about, counted by reason, read back by `why`."""

from __future__ import annotations

import json

from clawlane.access.decision import LIVE, Decision, Outcome, Reason, Rule
from clawlane.store import directory, draft_listing
from clawlane.store.codec import storable, thread_of
from clawlane.store.outbox import delivery_summary, tools_summary
from clawlane.store.rows import insert, of_accounts, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.told import Made, Recorded, Stage, Turn
from clawlane.store.transaction import Tx, count, next_event


def record(tx: Tx, seq: int, stage: Stage, decision: Decision) -> None:
    """Store a decision with its message, and count its reason."""
    insert(
        tx,
        "decisions",
        message=seq,
        stage=stage,
        at_ms=tx.now_ms,
        outcome=decision.outcome,
        reason=decision.reason,
        rule_path=decision.rule.path,
        rule_origin=decision.rule.origin,
        rule_line=decision.rule.line,
        rule_text=storable(decision.rule.text),
        trail=json.dumps(decision.trail),
        command=decision.command,
        keep_as_history=decision.keep_as_history,
        revision=decision.revision,
        event=next_event(tx),
    )
    count(tx, decision.reason)


def of_message(connection: Database, message_id: str) -> list[Recorded]:
    """What is known of the message of this id, on every account that read it."""
    query = (
        "SELECT DISTINCT messages.* FROM aliases"
        " JOIN messages ON messages.account = aliases.account AND messages.seq = aliases.message"
        " WHERE aliases.account = ? AND aliases.id = ?"
    )
    rows = of_accounts(connection, query, message_id)
    return [recorded(connection, row) for row in sorted(rows, key=lambda row: int(row["seq"]))]


def too_old_in_a_row(connection: Database, account: str, among: int) -> int:
    """How many of the newest messages were too old when they were read, if all of them were, else 0.

    Messages that were fetched after a break are old by nature: at least one has to have come live.
    """
    rows = connection.execute(
        "SELECT reason, trail FROM decisions WHERE account = ? AND stage = 'admission'"
        " ORDER BY message DESC LIMIT ?",
        (account, among),
    ).fetchall()
    all_too_old = all(row["reason"] == Reason.TOO_OLD for row in rows)
    live = any(LIVE in json.loads(row["trail"]) for row in rows)
    return len(rows) if all_too_old and live else 0


def recorded(connection: Database, row: Row) -> Recorded:
    """What is known of a message, from its row."""
    account, thread = row["account"], thread_of(row)
    query = "SELECT * FROM decisions WHERE account = ? AND message = ? ORDER BY stage"
    rows = connection.execute(query, (account, row["seq"]))
    made = tuple(Made(Stage(one["stage"]), one["at_ms"], decision_of(one)) for one in rows)
    body = json.loads(row["body"]) if row["body"] else {}
    return value_of(
        Recorded,
        row,
        thread=thread,
        read_ms=row["admitted_ms"],
        made=made,
        sender_name=body.get("name") or directory.name_of(connection, account, row["sender_id"]),
        group_name=directory.group_name(connection, account, thread),
        text=body.get("text"),
        attached=tuple(str(one[0]) for one in body.get("attachments", ())),
        waiting=not made and row["body"] is not None,
        standing=_turn(connection, account, row["seq"]),
    )


def _turn(connection: Database, account: str, message: int) -> Turn | None:
    row = connection.execute(
        "SELECT turns.*, (SELECT count(*) FROM turn_messages AS part"
        "  WHERE part.account = turns.account AND part.turn = turns.turn) AS messages"
        " FROM turn_messages JOIN turns USING (account, turn) WHERE account = ? AND message = ?",
        (account, message),
    ).fetchone()
    if row is None:
        return None
    query = "SELECT state FROM outbox WHERE account = ? AND turn = ? ORDER BY id"
    chunks = connection.execute(query, (account, row["turn"]))
    return value_of(
        Turn,
        row,
        id=row["turn"],
        state=TurnState(row["state"]),
        chunks=tuple(ChunkState(chunk["state"]) for chunk in chunks),
        told=delivery_summary(Tx(connection, account, 0), row["turn"]),
        tools=tools_summary(Tx(connection, account, 0), row["turn"]),
        drafts=draft_listing.numbers_of(connection, account, row["turn"]),
    )


def decision_of(row: Row) -> Decision:
    """A recorded decision."""
    return value_of(
        Decision,
        row,
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        rule=Rule(row["rule_path"], row["rule_origin"], row["rule_line"], row["rule_text"]),
        trail=tuple(json.loads(row["trail"])),
        keep_as_history=bool(row["keep_as_history"]),
    )
