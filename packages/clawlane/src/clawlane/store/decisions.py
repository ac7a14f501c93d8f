"""Recorded decisions: written with the message they are about, counted by reason, read back by `why`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.messages import Thread, ThreadKind
from clawlane.store.transaction import Tx


class Stage(StrEnum):
    """When a decision was made: as the message came in, or again just before its turn ran."""

    ADMISSION = "admission"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Made:
    """One decision, and when it was made."""

    stage: Stage
    at_ms: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a message afterwards, in the order of deciding. Its text is no part of it.

    `made` is empty while the message waits for its decision, and for one that was taken back meanwhile.
    `turn` is where its turn stands, and `turn_reason` why it ended so; both are empty without one. `recalled`
    says who took the message back, `repeats` how often it came again.
    """

    account: str
    message_id: str
    thread: Thread
    sender_id: str
    sent_ms: int
    read_ms: int
    made: tuple[Made, ...]
    waiting: bool = False
    turn: str = ""
    turn_reason: str = ""
    recalled: str = ""
    repeats: int = 0


_MESSAGES = (
    "SELECT messages.*, turns.state, turns.reason FROM messages"
    " LEFT JOIN turn_messages AS part ON part.account = messages.account AND part.message = seq"
    " LEFT JOIN turns ON turns.account = part.account AND turns.turn = part.turn"
)


def record(tx: Tx, seq: int, stage: Stage, decision: Decision) -> None:
    """Keep a decision beside its message, and count its reason."""
    rule = decision.rule
    tx.db.execute(
        "INSERT INTO decisions (account, message, stage, at_ms, outcome, reason, rule_path, rule_origin,"
        " trail, rule_line, command, keep_as_history) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.account,
            seq,
            stage,
            tx.now_ms,
            decision.outcome,
            decision.reason,
            rule.path,
            rule.origin,
            json.dumps(decision.trail),
            rule.line,
            decision.command,
            decision.keep_as_history,
        ),
    )
    tx.db.execute(
        "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT (account, reason) DO UPDATE SET n = n + 1",
        (tx.account, decision.reason),
    )


def of_message(connection: sqlite3.Connection, message_id: str) -> list[Recorded]:
    """What is known of the message of this id, on every account that read it."""
    rows = connection.execute(
        f"{_MESSAGES} WHERE (messages.account, seq) IN"  # noqa: S608 — our own text only
        " (SELECT aliases.account, aliases.message FROM accounts"
        " CROSS JOIN aliases ON aliases.account = accounts.account AND aliases.id = ?) ORDER BY seq",
        (message_id,),
    )
    return [_recorded(connection, row) for row in rows.fetchall()]


def newest(connection: sqlite3.Connection, limit: int, *, dropped: bool) -> list[Recorded]:
    """The messages that were read last, the newest first; with `dropped` only those that were."""
    only = (
        "WHERE EXISTS (SELECT 1 FROM decisions WHERE decisions.account = messages.account"
        " AND decisions.message = seq AND outcome = 'drop')"
    )
    rows = connection.execute(f"{_MESSAGES} {only if dropped else ''} ORDER BY seq DESC LIMIT ?", (limit,))
    return [_recorded(connection, row) for row in rows.fetchall()]


def _recorded(connection: sqlite3.Connection, row: sqlite3.Row) -> Recorded:
    rows = connection.execute(
        "SELECT * FROM decisions WHERE account = ? AND message = ? ORDER BY stage",
        (row["account"], row["seq"]),
    )
    made = tuple(Made(Stage(one["stage"]), one["at_ms"], _decision(one)) for one in rows)
    return Recorded(
        account=row["account"],
        message_id=row["message_id"],
        thread=Thread(ThreadKind(row["thread_kind"]), row["thread_id"]),
        sender_id=row["sender_id"],
        sent_ms=row["sent_ms"],
        read_ms=row["admitted_ms"],
        made=made,
        waiting=not made and row["body"] is not None,
        turn=row["state"] or "",
        turn_reason=row["reason"] or "",
        recalled=row["recalled"],
        repeats=row["repeats"],
    )


def _decision(row: sqlite3.Row) -> Decision:
    columns = dict(row)  # a store that no newer gateway has opened yet lacks the later ones
    return Decision(
        outcome=Outcome(columns["outcome"]),
        reason=Reason(columns["reason"]),
        rule=Rule(columns["rule_path"], columns["rule_origin"], columns.get("rule_line")),
        trail=tuple(json.loads(columns["trail"])),
        command=columns.get("command", ""),
        keep_as_history=bool(columns.get("keep_as_history")),
    )
