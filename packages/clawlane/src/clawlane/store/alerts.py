"""What the owner has to hear: noted in the transaction of the thing itself, until it is on its way to them.

The same thing counts once until then. Nobody's words are kept here: ids, numbers, enum words and flags only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from clawlane.store.codec import storable
from clawlane.store.rows import value_of
from clawlane.store.transaction import Noted, Tx

MOST = 1000
"""How many alerts of an account wait at most. Beyond that the oldest go, alarms last."""

_LONGEST = 200


class AlertKind(StrEnum):
    """What an alert is about. The last two are about the same alarm: it began, and it is over."""

    PAIRING_REQUEST = "pairing_request"
    DRAFT_WAITING = "draft_waiting"
    DECISION_NEEDED = "decision_needed"
    BUDGET_SPENT = "budget_spent"
    ALARM = "alarm"
    ALARM_OVER = "alarm_over"


URGENT = frozenset((AlertKind.ALARM, AlertKind.ALARM_OVER))
"""The kinds that quiet hours do not hold."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that the owner has to hear. `times` is how often it was noted, first and last at `*_ms`."""

    account: str
    kind: AlertKind
    key: str
    first_ms: int
    last_ms: int
    times: int
    facts: dict[str, Noted]


def note(tx: Tx, kind: AlertKind, key: str, **facts: Noted) -> None:
    """Let the owner hear of something. `key` tells what it is about among those of its kind.

    As long as it is not on its way, noting it again only renews its facts. Give no names and no texts.
    """
    kept = {name: _cut(value) if isinstance(value, str) else value for name, value in facts.items()}
    tx.db.execute(
        "INSERT INTO alerts (account, kind, key, first_ms, last_ms, times, facts)"
        " VALUES (?, ?, ?, ?, ?, 1, ?)"
        " ON CONFLICT (account, kind, key) DO UPDATE SET last_ms = excluded.last_ms,"
        " times = alerts.times + 1, facts = excluded.facts",
        (tx.account, kind, _cut(key), tx.now_ms, tx.now_ms, json.dumps(kept)),
    )
    tx.db.execute(
        "DELETE FROM alerts WHERE account = ? AND (kind, key) IN (SELECT kind, key FROM alerts"
        " WHERE account = ? ORDER BY kind IN ('alarm', 'alarm_over') DESC, last_ms DESC LIMIT ? OFFSET ?)",
        (tx.account, tx.account, MOST, MOST),
    )
    tx.news()


def withdraw(tx: Tx, kind: AlertKind, key: str) -> None:
    """Forget an alert that is not on its way yet: what it was about is settled."""
    query = "DELETE FROM alerts WHERE account = ? AND kind = ? AND key = ?"
    tx.db.execute(query, (tx.account, kind, _cut(key)))


def waiting(connection: sqlite3.Connection, account: str, limit: int = MOST) -> list[Alert]:
    """The alerts of an account that are not on their way, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM alerts WHERE account = ? ORDER BY first_ms, kind, key LIMIT ?", (account, limit)
    )
    return [value_of(Alert, row, kind=AlertKind(row["kind"]), facts=json.loads(row["facts"])) for row in rows]


def forget(tx: Tx, alerts: Iterable[Alert]) -> None:
    """These are on their way, or nobody wants to hear them."""
    tx.db.executemany(
        "DELETE FROM alerts WHERE account = ? AND kind = ? AND key = ?",
        [(tx.account, one.kind, one.key) for one in alerts],
    )


def _cut(text: str) -> str:
    return storable(text)[:_LONGEST]
