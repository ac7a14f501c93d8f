"""Transitions of pauses: they survive restarts, and ending one settles what waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from clawlane.messages import Thread
from clawlane.store import pending_history, retention
from clawlane.store.codec import thread_of
from clawlane.store.outbox import delivery_summary
from clawlane.store.rows import change, put
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.told import Overdue, Pause, PauseLevel, Resumed
from clawlane.store.transaction import Tx

_REASON = "a pause made it older than backlogMaxAge"
_BATCH = 200
_IN_SCOPE = (
    "AND (:kind = '' OR (thread_kind = :kind AND thread_id = :id))"
    " AND NOT EXISTS (SELECT 1 FROM pauses WHERE pauses.account = :account AND pauses.ended_ms IS NULL"
    "  AND NOT (pauses.thread_kind = :kind AND pauses.thread_id = :id)"
    "  AND pauses.thread_kind IN ('', this.thread_kind) AND pauses.thread_id IN ('', this.thread_id))"
)
"""Of an account or a thread, without what another pause still holds."""


def joined(steps: Sequence[Resumed]) -> Resumed:
    """What the steps of one resume came to together."""
    expired = tuple(one for step in steps for one in step.expired)
    flushed = tuple(one for step in steps for one in step.flushed)
    return replace(steps[-1], expired=expired, flushed=flushed)


def pause(tx: Tx, new: Pause) -> None:
    """Begin a pause of an operator or an alarm. It outlasts the upgrade that the account may wait with."""
    begin(tx, new)
    if new.thread is None:
        besides = {"paused": new.level, "paused_until_ms": new.until_ms, "paused_reason": new.reason}
        change(tx, "upgrades", {"holds": True}, **besides)


def begin(tx: Tx, new: Pause) -> None:
    """Begin a pause, in the place of one of the same account or thread."""
    kind, id_ = _scope(new.thread)
    put(
        tx,
        "pauses",
        {"thread_kind": kind, "thread_id": id_},
        level=new.level,
        since_ms=new.since_ms,
        until_ms=new.until_ms,
        ended_ms=None,
        reason=new.reason,
    )
    tx.note(thread_kind=kind, thread_id=id_, level=new.level, until_ms=new.until_ms, reason=new.reason)


def pauses(connection: Database) -> list[Pause]:
    """The pauses of all accounts that have not ended."""
    rows = connection.execute(
        "SELECT * FROM pauses WHERE ended_ms IS NULL ORDER BY account, thread_kind, thread_id"
    )
    return list(map(_pause_of, rows))


def whole_pause(connection: Database, account: str) -> Pause | None:
    """The pause of a whole account that has not ended."""
    row = connection.execute(
        "SELECT * FROM pauses WHERE account = ? AND thread_kind = '' AND thread_id = '' AND ended_ms IS NULL",
        (account,),
    ).fetchone()
    return _pause_of(row) if row else None


def expired(connection: Database, account: str) -> int:
    """How many turns expired when the account or a thread of it was resumed the last time."""
    row = connection.execute(
        "SELECT count(*) FROM turns WHERE account = ? AND state = 'expired' AND settled_ms IN"
        " (SELECT ended_ms FROM pauses WHERE account = ?)",
        (account, account),
    ).fetchone()
    return int(row[0])


def resume(tx: Tx, thread: Thread | None, oldest_ms: int, *, flush: bool) -> Resumed:
    """Go on ending a pause. What is about messages sent before `oldest_ms` expires, or with `flush` goes on.

    So does what was sent before the oldest message that is known, as after a restore.
    With `flush`, also what expired when this account or thread was resumed the last time. Each call does
    a batch; one that was cut off goes on with the time at which it began (`until_ms` of the pause).
    """
    kind, id_ = _scope(thread)
    tx.note(thread_kind=kind, thread_id=id_, flush=flush)
    oldest_ms = max(oldest_ms, retention.kept_from_ms(tx))
    scope: dict[str, Any] = {"account": tx.account, "kind": kind, "id": id_, "oldest_ms": oldest_ms}
    query = "SELECT * FROM pauses WHERE account = ? AND thread_kind = ? AND thread_id = ?"
    row = tx.db.execute(query, (tx.account, kind, id_)).fetchone()
    flushed = _reopen(tx, {**scope, "ended_ms": row["ended_ms"]}) if flush and row else ()
    if len(flushed) == _BATCH:
        return Resumed(tx.account, thread, None, flushed=flushed, done=False)
    if row is None or row["ended_ms"] is not None:
        return Resumed(tx.account, thread, None, flushed=flushed)
    planned_ms = row["until_ms"]
    scope["now_ms"] = tx.now_ms if planned_ms is None or planned_ms > tx.now_ms else planned_ms
    turns = [] if flush else _expire_turns(tx, scope)
    done = len(turns) < _BATCH
    texts = _expire_texts(tx, scope) if done and not flush else []
    key, now_ms = {"thread_kind": kind, "thread_id": id_}, scope["now_ms"]
    change(tx, "pauses", key, until_ms=now_ms, ended_ms=now_ms if done else None)
    was = _pause_of(row) if done else None
    return Resumed(tx.account, thread, was, (*turns, *texts), flushed, done=done)


def _expire_turns(tx: Tx, scope: dict[str, Any]) -> list[Overdue]:
    """Turns that wait, and those whose reply waits; one with a chunk of open fate goes on."""
    rows = tx.db.execute(
        "SELECT seq, message_id, thread_kind, thread_id, sent_ms FROM turns"  # noqa: S608 — our own text only
        " JOIN messages AS this ON this.account = turns.account AND this.seq = turns.turn"
        " WHERE turns.account = :account AND turns.settled_ms IS NULL"
        f" AND turns.state IN ('waiting', 'replied') AND this.sent_ms < :oldest_ms {_IN_SCOPE}"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.account = this.account AND outbox.turn = this.seq"
        "  AND outbox.settled_ms IS NULL AND (outbox.state <> 'queued' OR outbox.draft IS NOT NULL))"
        " ORDER BY seq LIMIT :batch",
        {**scope, "batch": _BATCH},
    ).fetchall()
    now_ms = scope["now_ms"]
    for row in rows:
        turn = row["seq"]
        expired = {"state": ChunkState.EXPIRED, "settled_ms": now_ms, "reason": _REASON}
        change(tx, "outbox", {"turn": turn, "settled_ms": None}, **expired)
        change(tx, "outbox", {"by_turn": turn, "state": ChunkState.QUEUED, "draft": None}, **expired)
        reason = "; ".join(filter(None, (_REASON, delivery_summary(tx, turn))))
        change(tx, "turns", {"turn": turn}, state=TurnState.EXPIRED, reason=reason, settled_ms=now_ms)
        pending_history.give_back(tx, turn)
    return [Overdue(thread_of(row), now_ms - row["sent_ms"], row["seq"], row["message_id"]) for row in rows]


def _expire_texts(tx: Tx, scope: dict[str, Any]) -> list[Overdue]:
    """Challenges and notices, which belong to no turn, and what tools sent for turns that are over."""
    rows = tx.db.execute(
        "SELECT * FROM outbox AS this"  # noqa: S608 — our own text only
        " WHERE this.account = :account AND turn IS NULL AND state = 'queued'"
        # who paused and wrote or approved something nevertheless wants it to go
        " AND purpose NOT IN ('operator', 'alert', 'owner') AND draft IS NULL"
        f" AND settled_ms IS NULL AND created_ms < :oldest_ms {_IN_SCOPE} ORDER BY id",
        scope,
    ).fetchall()
    for row in rows:
        expired = {"state": ChunkState.EXPIRED, "settled_ms": tx.now_ms, "reason": _REASON}
        change(tx, "outbox", {"id": row["id"]}, **expired)
    return [Overdue(thread_of(row), scope["now_ms"] - row["created_ms"]) for row in rows]


def _reopen(tx: Tx, scope: dict[str, Any]) -> tuple[int, ...]:
    """Turns whose text is still there go on where they expired: with their reply, or from the start."""
    rows = tx.db.execute(
        "SELECT seq FROM turns"  # noqa: S608 — our own text only
        " JOIN messages AS this ON this.account = turns.account AND this.seq = turns.turn"
        " WHERE turns.account = :account AND turns.state = 'expired' AND turns.settled_ms = :ended_ms"
        " AND EXISTS (SELECT 1 FROM turn_messages AS part JOIN messages AS said"
        "  ON said.account = part.account AND said.seq = part.message AND said.body IS NOT NULL"
        f"  WHERE part.account = turns.account AND part.turn = turns.turn) {_IN_SCOPE}"
        " ORDER BY seq LIMIT :batch",
        {**scope, "batch": _BATCH},
    ).fetchall()
    turns = tuple(row["seq"] for row in rows)
    for turn in turns:
        key = {"turn": turn, "state": ChunkState.EXPIRED}
        replied = change(tx, "outbox", key, state=ChunkState.QUEUED, settled_ms=None, reason="")
        key = {"by_turn": turn, "state": ChunkState.EXPIRED, "settled_ms": scope["ended_ms"]}
        change(tx, "outbox", key, state=ChunkState.QUEUED, settled_ms=None, reason="")
        state = TurnState.REPLIED if replied.rowcount else TurnState.WAITING
        change(tx, "turns", {"turn": turn}, state=state, reason="", settled_ms=None)
    return turns


def _scope(thread: Thread | None) -> tuple[str, str]:
    return (str(thread.kind), thread.id) if thread else ("", "")


def _pause_of(row: Row) -> Pause:
    thread = thread_of(row) if row["thread_kind"] else None
    level = PauseLevel(row["level"])
    return Pause(row["account"], thread, level, row["since_ms"], row["until_ms"], row["reason"])
