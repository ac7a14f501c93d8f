"""Recorded decisions: written with the message they are about, counted by reason, read back by `why`."""

from __future__ import annotations

import json
import sqlite3
from enum import StrEnum

from clawlane.access.decision import Decision, Outcome, Reason, Rule


class Stage(StrEnum):
    """When a decision was made: as the message came in, or again just before its turn ran."""

    ADMISSION = "admission"
    RUN = "run"


def record(
    connection: sqlite3.Connection, account: str, seq: int, stage: Stage, decision: Decision, now_ms: int
) -> None:
    """Keep a decision beside its message, and count its reason."""
    rule = decision.rule
    connection.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            account,
            stage,
            now_ms,
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
    connection.execute(
        "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT (account, reason) DO UPDATE SET n = n + 1",
        (account, decision.reason),
    )


def decision_of(row: sqlite3.Row) -> Decision:
    """The decision as it was made. The row needs the columns of `decisions`."""
    return Decision(
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        rule=Rule(row["rule_path"], row["rule_origin"], row["rule_line"]),
        trail=tuple(json.loads(row["trail"])),
        command=row["command"],
        keep_as_history=bool(row["keep_as_history"]),
    )
