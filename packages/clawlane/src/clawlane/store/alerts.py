"""What the owner has to hear: noted in the transaction of the thing itself, until it is on its way to them.

The same thing counts once until then. Nobody's words are kept here: ids, numbers, enum words and flags only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.store.codec import said_in, storable
from clawlane.store.deliveries import Delivery, open_deliveries, queue
from clawlane.store.rows import exists, put, value_of
from clawlane.store.sql import Database
from clawlane.store.transaction import Noted, Tx, lazy

MOST = 1000
"""How many alerts of an account wait at most. Beyond that the oldest go, alarms last."""

EVERY_MS = 60_000
"""The least time between two batches of an account."""

MOST_IN_BATCH = 100
KIND = "alerts"
"""The kind of event that a batch is."""

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


def waiting(connection: Database, account: str, limit: int = MOST) -> list[Alert]:
    """The alerts of an account that are not on their way, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM alerts WHERE account = ? ORDER BY first_ms, kind, key LIMIT ?", (account, limit)
    )
    return [value_of(Alert, row, kind=AlertKind(row["kind"]), facts=json.loads(row["facts"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a look at the alerts came to: what has to leave, and when to look again (None: not by itself)."""

    deliveries: list[Delivery]
    next_ms: int | None


@lazy
def anything(tx: Tx) -> bool:
    """Whether `dispatch` has anything to do: alerts that wait, or deliveries that were not taken yet."""
    query = "SELECT 1 FROM alerts WHERE account = ? UNION ALL SELECT 1 FROM deliveries WHERE account = ?"
    return exists(tx.db, f"{query} LIMIT 1", tx.account, tx.account)


def dispatch(tx: Tx, targets: Sequence[str], *, quiet: bool) -> Batch:
    """Put the alerts that wait on their way to these targets, one delivery each, and give all that is open.

    The first leave at once, others with those that came within `EVERY_MS` of the last ones. While it is
    `quiet` only urgent ones leave. Without targets nobody wants to hear them.
    """
    found = [one for one in waiting(tx.db, tx.account) if one.kind in URGENT or not quiet or not targets]
    if not targets:
        forget(tx, found)
        return Batch(open_deliveries(tx), None)
    next_ms = _last_ms(tx) + EVERY_MS if found else None
    if next_ms is not None and next_ms <= tx.now_ms:
        batch, more = found[:MOST_IN_BATCH], len(found) - MOST_IN_BATCH
        kept = {"created_ms": tx.now_ms, "alerts": [told(one) for one in batch], "more": max(more, 0)}
        body = json.dumps(kept)
        for target in targets:
            queue(tx, target, KIND, body)
        forget(tx, batch)
        put(tx, "accounts", {}, alerted_ms=tx.now_ms)
        next_ms = tx.now_ms + EVERY_MS if more > 0 else None
    return Batch(open_deliveries(tx), next_ms)


def _last_ms(tx: Tx) -> int:
    """When a batch left last; long ago for a time that is yet to come."""
    row = tx.db.execute("SELECT alerted_ms FROM accounts WHERE account = ?", (tx.account,)).fetchone()
    return int(row["alerted_ms"]) if row and row["alerted_ms"] <= tx.now_ms else 0


def told(one: Alert) -> dict[str, object]:
    """An alert as plain values, without its account."""
    times = {"first_ms": one.first_ms, "last_ms": one.last_ms, "times": one.times}
    return {"kind": one.kind, "key": one.key, **times, "facts": one.facts}


def requester_name(connection: Database, account: str, sender_id: str) -> str:
    """What somebody calls themselves who asks to write to an account; empty if nobody does."""
    query = "SELECT sender_name FROM pairing WHERE account = ? AND sender_id = ?"
    row = connection.execute(query, (account, sender_id)).fetchone()
    return str(row["sender_name"]) if row else ""


def text_of_chunk(connection: Database, account: str, number: int) -> str:
    """What a message of the outbox says, as long as that is kept."""
    query = "SELECT body FROM outbox WHERE account = ? AND id = ?"
    row = connection.execute(query, (account, number)).fetchone()
    return said_in(row["body"]) if row and row["body"] else ""


def batch_of(delivery: Delivery) -> tuple[list[Alert], int]:
    """The alerts in a delivery, and how many more follow in the next."""
    body = json.loads(delivery.body)
    found = [Alert(delivery.account, **{**one, "kind": AlertKind(one["kind"])}) for one in body["alerts"]]
    return found, body["more"]


def created_ms(delivery: Delivery) -> int:
    """When a delivery was put together, as its receiver is told: a retry and a new clock leave it alone."""
    made_ms: int = json.loads(delivery.body).get("created_ms", delivery.created_ms)
    return made_ms


def forget(tx: Tx, alerts: Iterable[Alert]) -> None:
    """These are on their way, or nobody wants to hear them."""
    tx.db.executemany(
        "DELETE FROM alerts WHERE account = ? AND kind = ? AND key = ?",
        [(tx.account, one.kind, one.key) for one in alerts],
    )


def _cut(text: str) -> str:
    return storable(text)[:_LONGEST]
