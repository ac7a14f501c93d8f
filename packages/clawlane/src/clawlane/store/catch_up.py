"""Catching up: how far an account had read when a connection began, and what it missed."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from operator import itemgetter

from clawlane.channel import Cursor
from clawlane.messages import ThreadKind
from clawlane.store.rows import exists, insert, put
from clawlane.store.sql import Database, Row
from clawlane.store.told import Gap
from clawlane.store.transaction import Tx, lazy
from clawlane.store.unknown_sends import SKEW_MS, LookUp, absent

_AMONG = 1000
"""The newest message is looked for among as many that were read last: retries may come out of order."""

_ECHO_MS = 10_000
"""How long the account may take to see a message of its own, before the platform is asked."""

_UNKNOWN = (
    "SELECT 1 FROM outbox WHERE account = ? AND settled_ms IS NULL"
    " AND state = 'unknown' AND state <> 'queued'"  # as the index of these chunks says it
)

_FIRST_WAIT_MS = 10_000
_LONGEST_WAIT_MS = 160_000
_LOOKED_UP_MS = 86_400_000
"""How long the platform is asked about an unconfirmed message."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a catch-up ended: the gap that remains, and how many sends that did not arrive are queued again.

    `unknown` says that it looked for unconfirmed sends.
    """

    gap: Gap | None
    again: int
    unknown: bool


def cursor(tx: Tx, kind: ThreadKind, backlog_ms: int, skew_ms: int = 0) -> Cursor:
    """How far the account had read. The cursor stays until `caught_up`, whatever is read meanwhile.

    An account that never read anything begins with what is young enough to be answered. After a restore, all
    that was sent before the first connection is too old: the gateway that the backup is of may have read it.
    """
    at_ms, message_id, stays = _read_so_far(tx, kind)
    if not stays:
        insert(tx, "cursors", thread_kind=kind, at_ms=at_ms, message_id=message_id)
    there_ms = tx.now_ms + skew_ms
    tx.db.execute(
        "UPDATE accounts SET kept_from_ms = ?, restored_ms = NULL"
        " WHERE account = ? AND restored_ms IS NOT NULL",
        (there_ms, tx.account),
    )
    young_ms = there_ms - backlog_ms
    unknown_ms = _oldest_unknown(tx, kind, there_ms)
    since_ms = min(at_ms or young_ms, unknown_ms)
    reach_ms = min(since_ms, _known_ms(tx, kind, unknown_ms)) if unknown_ms < there_ms else since_ms
    return Cursor(at_ms, message_id, reach_ms, min(since_ms, young_ms))


def caught_up(tx: Tx, kind: ThreadKind, back_to_ms: int, *, missed: bool = True) -> Gap | None:
    """End a catch-up: everything since `back_to_ms` has been read.

    Stores and gives the gap if that is too late, unless nothing can have been `missed`.
    """
    return _close(tx, kind, back_to_ms, missed=missed)[0]


def _close(tx: Tx, kind: ThreadKind, back_to_ms: int, *, missed: bool) -> tuple[Gap | None, bool]:
    """The same, and whether there are unconfirmed sends (`has_unknown`)."""
    row = tx.db.execute(
        f"DELETE FROM cursors WHERE account = ? AND thread_kind = ?"  # noqa: S608 — our own text only
        f" RETURNING at_ms, EXISTS ({_UNKNOWN}) AS unknown",
        (tx.account, kind, tx.account),
    ).fetchone()
    unknown = has_unknown(tx) if row is None else bool(row["unknown"])
    if row is None or not missed or not row["at_ms"] or back_to_ms <= row["at_ms"]:
        return None, unknown
    # As for the cursor, a time after its reading counts as the time of reading.
    gap = Gap(kind, row["at_ms"], max(row["at_ms"], min(back_to_ms, tx.now_ms)), tx.now_ms)
    key = {"thread_kind": kind, "from_ms": gap.from_ms}
    put(tx, "gaps", key, to_ms=gap.to_ms, noted_ms=gap.noted_ms)
    return gap, unknown


def finish(tx: Tx, asked: LookUp, gap_ms: int, *, missed: bool) -> Finished:
    """End a catch-up (`caught_up`), and evaluate it for unconfirmed sends (`unknown_sends.absent`).

    Everything that it fetched is stored: what is still unknown is not among it.
    """
    gap, unknown = _close(tx, asked.kind, asked.back_to_ms, missed=missed)
    again = absent(tx, asked, gap_ms) if unknown or asked.own_ids else 0
    return Finished(gap, again, unknown)


def gaps(connection: Database, account: str | None = None, since_ms: int = 0) -> list[Gap]:
    """The gaps that were noted since then, of one account or of all, the oldest first."""
    rows = connection.execute(
        "SELECT thread_kind, from_ms, to_ms, noted_ms FROM gaps"
        " WHERE account = coalesce(?, account) AND noted_ms >= ? ORDER BY noted_ms, thread_kind",
        (account, since_ms),
    )
    return [Gap(ThreadKind(kind), *times) for kind, *times in rows]


@lazy
def has_unknown(tx: Tx) -> bool:
    """Whether there are unconfirmed sends."""
    return exists(tx.db, _UNKNOWN, tx.account)


def to_look_up(tx: Tx, gap_ms: int) -> list[ThreadKind]:
    """The kinds of thread with unconfirmed sends to look up now.

    A send is looked up soon after it left. If it was missing, it is looked up again `gap_ms` later; else
    after the next send of its kind that arrives, and at growing intervals.
    """
    rows = tx.db.execute(
        "SELECT thread_kind, session, sent_ms, looked_up_ms, absent_ms, look_ups, settling_ms FROM outbox"
        " WHERE account = ? AND settled_ms IS NULL AND state = 'unknown' AND state <> 'queued'",
        (tx.account,),
    ).fetchall()
    due = (row for row in rows if tx.now_ms > _ask_ms(tx, row, gap_ms))
    return [ThreadKind(kind) for kind in dict.fromkeys(row["thread_kind"] for row in due)]


def _ask_ms(tx: Tx, row: Row, gap_ms: int) -> float:
    """When to ask about a chunk."""
    asked_ms: int | None = row["looked_up_ms"]
    if asked_ms is None:
        return int(row["sent_ms"]) + min(_ECHO_MS, gap_ms)
    if row["settling_ms"] is None:
        return inf
    wait_ms: int = min(_FIRST_WAIT_MS * 2 ** min(row["look_ups"] - 1, 10), _LONGEST_WAIT_MS)
    times = [asked_ms + wait_ms]
    absent_ms: int | None = row["absent_ms"]
    if absent_ms is not None:
        return max(absent_ms + gap_ms, asked_ms if asked_ms == absent_ms else times[0])
    arrived_ms: int | None = tx.db.execute(
        "SELECT max(at_ms) AS at_ms FROM receipts WHERE account = ? AND thread_kind = ? AND session = ?",
        (tx.account, row["thread_kind"], row["session"]),
    ).fetchone()["at_ms"]
    if arrived_ms is not None and arrived_ms > asked_ms:
        times.append(arrived_ms)
    return min(times)


def _read_so_far(tx: Tx, kind: ThreadKind) -> tuple[int, str, bool]:
    """Time and id of the cursor that a connection has left, and True; else those of the newest message.

    A time after its reading counts as the time of reading.
    """
    rows = tx.db.execute(
        "SELECT 1 AS stays, at_ms AS sent_ms, at_ms AS admitted_ms, message_id FROM cursors"
        " WHERE account = :account AND thread_kind = :kind UNION ALL SELECT * FROM"
        " (SELECT 0, sent_ms, admitted_ms, message_id FROM messages"
        "  WHERE account = :account AND thread_kind = :kind ORDER BY seq DESC LIMIT :among) AS newest",
        {"account": tx.account, "kind": kind, "among": _AMONG},
    )
    times = [
        (min(row["sent_ms"], row["admitted_ms"]), str(row["message_id"]), bool(row["stays"])) for row in rows
    ]
    return next((one for one in times if one[-1]), max(times, key=itemgetter(0), default=(0, "", False)))


def _oldest_unknown(tx: Tx, kind: ThreadKind, there_ms: int) -> int:
    """Send time of the oldest unconfirmed message; `there_ms`, the platform's time now, if there is none.

    A reply is newer than what it answers, by the platform's own clock.
    """
    row = tx.db.execute(
        "SELECT min(coalesce(messages.sent_ms, created_ms - ?)) AS at_ms FROM outbox"
        " LEFT JOIN messages ON messages.account = outbox.account"
        "  AND messages.seq = coalesce(outbox.turn, outbox.by_turn)"
        " WHERE outbox.account = ? AND outbox.thread_kind = ? AND settled_ms IS NULL"
        " AND outbox.state = 'unknown' AND (looked_up_ms IS NULL OR settling_ms IS NOT NULL)"
        " AND created_ms > ?",
        (SKEW_MS, tx.account, kind, tx.now_ms - _LOOKED_UP_MS),
    ).fetchone()
    return there_ms if row["at_ms"] is None else int(row["at_ms"])


def _known_ms(tx: Tx, kind: ThreadKind, before_ms: int) -> int:
    """Send time of the newest message that arrived under the login of the unconfirmed ones, if not too old.

    A look-up that holds it shows that the platform still gives out what this login sent.
    """
    row = tx.db.execute(
        "SELECT max(at_ms) AS at_ms FROM receipts WHERE account = ? AND thread_kind = ? AND session ="
        " (SELECT session FROM outbox WHERE account = ? AND state = 'unknown' AND settled_ms IS NULL"
        "  AND state <> 'queued' AND thread_kind = ? ORDER BY id DESC LIMIT 1) AND at_ms > ?",
        (tx.account, kind, tx.account, kind, tx.now_ms - _LOOKED_UP_MS),
    ).fetchone()
    return before_ms if row["at_ms"] is None else int(row["at_ms"]) - SKEW_MS


def returned(connection: Database, account: str) -> list[ThreadKind]:
    """The kinds of thread in which a send of the account has come back in fetched history."""
    rows = connection.execute(
        "SELECT thread_kind FROM returned WHERE account = ? ORDER BY thread_kind", (account,)
    )
    return [ThreadKind(row["thread_kind"]) for row in rows]
