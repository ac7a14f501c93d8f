"""Recorded decisions: written with the message they are about, counted by reason, read back by `why`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.decision import LIVE, Decision, Outcome, Reason, Rule
from clawlane.messages import Thread
from clawlane.store import directory
from clawlane.store.codec import newest_of_accounts, storable, thread_of
from clawlane.store.models import ChunkState, TurnState
from clawlane.store.outbox import delivery_summary
from clawlane.store.transaction import Tx, count, next_event


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
class Turn:
    """Where the turn of a message stands: its state, why, how often it was tried, and its reply's chunks.

    `chunks` are their states, in order; `told` is the same in words. `messages` is how many messages it has.
    """

    id: int
    state: TurnState
    reason: str
    attempts: int
    messages: int
    settled_ms: int | None
    chunks: tuple[ChunkState, ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a message afterwards, in the order of deciding.

    `made` is empty while the message waits for its decision, and for one that was taken back meanwhile.
    `text` and `attached` (the kinds of its attachments) are there while the message is kept; names may be
    empty. `recalled` says who took the message back, `repeats` how often it came again, `standing` where its
    turn stands.
    """

    account: str
    message_id: str
    thread: Thread
    sender_id: str
    sent_ms: int
    read_ms: int
    made: tuple[Made, ...]
    sender_name: str = ""
    group_name: str = ""
    text: str | None = None
    attached: tuple[str, ...] = ()
    repeats: int = 0
    recalled: str = ""
    waiting: bool = False
    standing: Turn | None = None

    @property
    def turn(self) -> str:
        """The state of its turn; empty without one."""
        return self.standing.state if self.standing else ""

    @property
    def turn_reason(self) -> str:
        """Why its turn stands so; empty without one."""
        return self.standing.reason if self.standing else ""


def record(tx: Tx, seq: int, stage: Stage, decision: Decision) -> None:
    """Keep a decision beside its message, and count its reason."""
    rule = decision.rule
    tx.db.execute(
        "INSERT INTO decisions (account, message, stage, at_ms, outcome, reason, rule_path, rule_origin,"
        " trail, rule_line, command, keep_as_history, revision, rule_text, event)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            decision.revision,
            storable(rule.text),
            next_event(tx),
        ),
    )
    count(tx, decision.reason)


def of_message(connection: sqlite3.Connection, message_id: str) -> list[Recorded]:
    """What is known of the message of this id, on every account that read it."""
    rows = connection.execute(
        "SELECT * FROM messages WHERE (account, seq) IN"
        " (SELECT aliases.account, aliases.message FROM accounts"
        " CROSS JOIN aliases ON aliases.account = accounts.account AND aliases.id = ?) ORDER BY seq",
        (message_id,),
    )
    return [_recorded(connection, row) for row in rows.fetchall()]


def newest(connection: sqlite3.Connection, limit: int, *, dropped: bool) -> list[Recorded]:
    """The messages that were read last, the newest first; with `dropped` only those that were."""
    query = _NEWEST_DROPPED if dropped else _NEWEST
    return [_recorded(connection, row) for row in newest_of_accounts(connection, query, limit)]


_NEWEST = "SELECT * FROM messages WHERE account = ? ORDER BY seq DESC LIMIT ?"
_NEWEST_DROPPED = (
    "SELECT messages.* FROM (SELECT DISTINCT account, message FROM decisions"
    "  WHERE account = ? AND outcome = 'drop' ORDER BY message DESC LIMIT ?) AS dropped"
    " CROSS JOIN messages ON messages.account = dropped.account AND seq = dropped.message"
)


def too_old_in_a_row(connection: sqlite3.Connection, account: str, among: int) -> int:
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


def _recorded(connection: sqlite3.Connection, row: sqlite3.Row) -> Recorded:
    key = (row["account"], row["seq"])
    rows = connection.execute("SELECT * FROM decisions WHERE account = ? AND message = ? ORDER BY stage", key)
    made = tuple(Made(Stage(one["stage"]), one["at_ms"], _decision(one)) for one in rows)
    body = json.loads(row["body"]) if row["body"] else {}
    columns = dict(row)
    thread = thread_of(row)
    return Recorded(
        account=row["account"],
        message_id=row["message_id"],
        thread=thread,
        sender_id=row["sender_id"],
        sent_ms=row["sent_ms"],
        read_ms=row["admitted_ms"],
        made=made,
        sender_name=body.get("name") or directory.name_of(connection, row["account"], row["sender_id"]),
        group_name=directory.group_name(connection, row["account"], thread),
        text=body.get("text"),
        attached=tuple(str(one[0]) for one in body.get("attachments", ())),
        repeats=row["repeats"],
        recalled=columns.get("recalled", ""),
        waiting=not made and row["body"] is not None,
        standing=_turn(connection, *key),
    )


def _turn(connection: sqlite3.Connection, account: str, message: int) -> Turn | None:
    row = connection.execute(
        "SELECT turns.* FROM turn_messages JOIN turns USING (account, turn)"
        " WHERE account = ? AND message = ?",
        (account, message),
    ).fetchone()
    if row is None:
        return None
    key = (account, row["turn"])
    chunks = connection.execute("SELECT state FROM outbox WHERE account = ? AND turn = ? ORDER BY id", key)
    (parts,) = connection.execute(
        "SELECT count(*) FROM turn_messages WHERE account = ? AND turn = ?", key
    ).fetchone()
    return Turn(
        id=row["turn"],
        state=TurnState(row["state"]),
        reason=row["reason"],
        attempts=row["attempts"],
        messages=parts,
        settled_ms=row["settled_ms"],
        chunks=tuple(ChunkState(chunk["state"]) for chunk in chunks),
        told=delivery_summary(Tx(connection, account, 0), row["turn"]),
    )


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        rule=Rule(row["rule_path"], row["rule_origin"], row["rule_line"], row["rule_text"]),
        trail=tuple(json.loads(row["trail"])),
        command=row["command"],
        keep_as_history=bool(row["keep_as_history"]),
        revision=row["revision"],
    )
