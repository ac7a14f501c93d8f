"""What waits in the store, in which queue, and since when: counted by index, for one account at a time."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from clawlane.store.sql import Database


class Queue(StrEnum):
    """Where something waits, and for what."""

    UNDECIDED = "undecided"  # a message, until the account knows itself, or its album closes
    TURNS = "turns"  # a message, for its agent
    SENDS = "sends"  # a part of a reply, until it leaves or the platform answers
    HELD = "held"  # both, while a pause, quiet hours, pacing or an open question holds the conversation
    UNKNOWN = "unknown"  # a part that may have arrived, and what waits behind it
    DRAFTS = "drafts"  # a reply, for its approval
    SET_ASIDE = "set_aside"  # a message that no agent could answer, for the operator
    REQUESTS = "requests"  # a stranger, for the owner


class Depth(NamedTuple):
    """How many wait, and since when the oldest does (0 where none does)."""

    number: int
    oldest_ms: int


_WAITING = """
WITH held (kind, id) AS (
    SELECT thread_kind, thread_id FROM outbox WHERE account = :account AND settled_ms IS NULL
     AND (state = 'unknown' OR held_until_ms > :now)
    UNION SELECT thread_kind, thread_id FROM pauses WHERE account = :account AND ended_ms IS NULL
), paused (whole) AS (SELECT EXISTS (SELECT 1 FROM held WHERE kind = ''))
SELECT queue, count(*) AS n, min(since_ms) AS oldest_ms FROM (
    SELECT 'undecided' AS queue, admitted_ms AS since_ms FROM undecided
     JOIN messages ON messages.account = undecided.account AND seq = message
     WHERE undecided.account = :account
    UNION ALL SELECT CASE WHEN (SELECT whole FROM paused)
     OR (thread_kind, thread_id) IN (SELECT kind, id FROM held) THEN 'held' ELSE 'turns' END, admitted_ms
     FROM turns JOIN messages ON messages.account = turns.account AND seq = turn
     WHERE turns.account = :account AND settled_ms IS NULL AND state IN ('waiting', 'running')
    UNION ALL SELECT CASE WHEN state IN ('unknown', 'held') THEN 'unknown'
     WHEN state = 'queued' AND ((SELECT whole FROM paused)
     OR (thread_kind, thread_id) IN (SELECT kind, id FROM held)) THEN 'held'
     ELSE 'sends' END,
     CASE WHEN held_until_ms > created_ms AND held_until_ms <= :now THEN held_until_ms ELSE created_ms END
     FROM outbox WHERE account = :account AND settled_ms IS NULL
    UNION ALL SELECT 'drafts', created_ms FROM drafts
     WHERE account = :account AND decided_ms IS NULL AND state = 'waiting' AND expires_ms > :now
    UNION ALL SELECT 'set_aside', settled_ms FROM turns WHERE account = :account AND state = 'dead'
    UNION ALL SELECT 'requests', created_ms FROM pairing WHERE account = :account AND expires_ms > :now
) AS waiting GROUP BY queue
"""


def depths(connection: Database, account: str, now_ms: int) -> dict[Queue, Depth]:
    """All queues of an account (`channel/id`), the empty ones included."""
    found = dict.fromkeys(Queue, Depth(0, 0))
    for row in connection.execute(_WAITING, {"account": account, "now": now_ms}):
        found[Queue(row["queue"])] = Depth(row["n"], row["oldest_ms"])
    return found
