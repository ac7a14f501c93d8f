"""One chunk on its way: begun, held, tried again, and its outcome, which may settle its turn.

Sends that got no answer are dealt with in `clawlane.store.unknown_sends`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from clawlane.abilities import Ability
from clawlane.messages import Receipt
from clawlane.store import (
    abilities,
    album_sends,
    alerts,
    audit_log,
    callbacks,
    pending_history,
    plain_forms,
    receipts,
    send_log,
    taken_back,
)
from clawlane.store.alerts import AlertKind
from clawlane.store.audit_heads import last_entry
from clawlane.store.codec import NO_TEXT, is_message, undone_by
from clawlane.store.models import Hold, LostSend, Place, Purpose, SendOutcome
from clawlane.store.outbox import (
    cancel,
    cancel_rest,
    cancel_tools,
    delivery_summary,
    update_summary,
    whole_text,
)
from clawlane.store.rows import change, exists
from clawlane.store.send_log import SentChunk
from clawlane.store.sql import Row, Rows
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.transaction import Tx, lazy

TOO_LATE_MS = 900_000
"""A reply held by the guard against loops expires this long after the end of the hold."""

MOST_RESENDS = 5
"""How often look-ups may have a chunk sent again. One whose every send is cut off may itself be the cause."""


_EARLIER = "an earlier part was refused"


def begin(
    tx: Tx, chunk_ids: Sequence[int], counted: Sequence[SentChunk] = (), session: str = ""
) -> frozenset[int]:
    """Mark chunks as on their way and count them for pacing, in one. Gives those still to be sent.

    `session` names the login under which they leave. From now on the other parts of their replies come first.
    """
    asked = [_begin(tx, chunk_id, session) for chunk_id in chunk_ids]
    begun = set()
    for chunk_id, one in zip(chunk_ids, asked, strict=True):
        row = one.fetchone()
        if row is None:
            continue
        begun.add(chunk_id)
        abilities.use(tx, plain_forms.used_by(row["body"], row["resends"]))
        if row["place"] != Place.AHEAD:  # the rest of what is ahead already is, too
            waiting = {"settled_ms": None, "state": ChunkState.QUEUED}
            change(tx, "outbox", {**whole_text(row), **waiting}, place=Place.BEGUN, expires_ms=None)
    for sent_chunk in counted:
        if sent_chunk.chunk in begun:
            send_log.note_send(tx, sent_chunk)
    return frozenset(begun)


def _begin(tx: Tx, chunk_id: int, session: str) -> Rows:
    return tx.db.execute(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, sent_ms = ?, session = ?,"
        " looked_up_ms = NULL, absent_ms = NULL, look_ups = 0, settling_ms = NULL, held_until_ms = NULL,"
        " place = CASE WHEN place < 0 THEN place ELSE 0 END,"
        " expires_ms = CASE WHEN turn IS NULL AND by_turn IS NULL THEN expires_ms END,"
        " reason = '' WHERE id = ? AND account = ? AND state = 'queued' AND settled_ms IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM own_messages AS own WHERE own.account = outbox.account"
        "  AND own.thread_kind = outbox.thread_kind AND own.thread_id = outbox.thread_id)"
        " RETURNING id, turn, by_turn, step, call, batch, place, body, resends",
        (tx.now_ms, session, chunk_id, tx.account),
    )


@lazy
def hold(tx: Tx, holds: Mapping[int, Hold]) -> tuple[int, ...]:
    """Record why chunks do not leave yet. Gives the turns that nobody has to wait for.

    The guard against loops holds their replies: until then such a reply lets others pass, and it expires
    `TOO_LATE_MS` after the time until which it was first held.
    """
    aside = []
    for chunk_id, held in holds.items():
        reason = f"held: {held.reason}"
        row = tx.db.execute(
            "UPDATE outbox SET held_until_ms = ?, reason = ?"
            " WHERE account = ? AND id = ? AND state = 'queued' AND settled_ms IS NULL"
            " RETURNING id, turn, by_turn, step, call, batch, expires_ms, thread_kind, thread_id",
            (held.until_ms, reason, tx.account, chunk_id),
        ).fetchone()
        if row is not None and held.lets_operator_pass:
            let_operator_pass(tx, row)
        if row is None or not held.aside or (row["turn"] is None and row["by_turn"] is None):
            continue
        if row["turn"] is not None:
            aside.append(row["turn"])
        expires_ms = row["expires_ms"] or held.until_ms + TOO_LATE_MS
        values = {"due_ms": held.until_ms, "held_until_ms": held.until_ms, "expires_ms": expires_ms}
        waiting = {"settled_ms": None, "state": ChunkState.QUEUED}
        change(tx, "outbox", {**whole_text(row), **waiting}, place=Place.ASIDE, reason=reason, **values)
    return tuple(aside)


def let_operator_pass(tx: Tx, held: Row) -> None:
    """Put what the operator sends before a chunk of the same thread that is held, but does not hold him."""
    thread = {"thread_kind": held["thread_kind"], "thread_id": held["thread_id"]}
    waiting = {"purpose": Purpose.OPERATOR, "state": ChunkState.QUEUED, "settled_ms": None}
    change(tx, "outbox", {**thread, **waiting}, place=Place.AHEAD)


def put_back(tx: Tx, chunk_ids: Sequence[int]) -> None:
    """Queue chunks again that were marked as on their way, but not handed to the channel before a stop.

    Those of a turn that was stopped meanwhile are cancelled.
    """
    for chunk_id in chunk_ids:
        row = tx.db.execute(
            "UPDATE outbox SET state = 'queued', attempts = attempts - 1 WHERE account = ? AND id = ?"
            " AND state = 'sending' AND settled_ms IS NULL RETURNING id, turn, by_turn, body",
            (tx.account, chunk_id),
        ).fetchone()
        if row is not None:
            _cancel_if_stopped(tx, row)


@lazy
def sent(tx: Tx, chunk_id: int, receipt: Receipt, *, proves: bool = True) -> int | None:
    """Record that a chunk arrived, which shows that what it uses works unless it `proves` nothing.

    Gives the turn that this settled, if any.
    """
    settled = tx.db.execute(
        "UPDATE outbox SET state = 'sent', receipt = ?, settled_ms = ?, reason = ''"
        " WHERE account = ? AND id = ? AND settled_ms IS NULL RETURNING *",
        (json.dumps(receipt.message_ids), tx.now_ms, tx.account, chunk_id),
    )
    last = last_entry(tx.db, tx.account)
    this = "(SELECT turn FROM outbox WHERE account = ? AND id = ?)"
    chunks = tx.db.execute(f"{_CHUNKS_OF_TURN} {this}", (tx.account, tx.account, chunk_id))
    row = settled.fetchone()
    if row is None:
        return None
    audit_log.note_send(tx, row, ChunkState.SENT, last)
    if proves:
        abilities.seen(tx, plain_forms.used_by(row["body"], row["resends"]))
    receipts.keep(tx, row, receipt)
    if message_id := undone_by(row["body"]):
        taken_back.forget(tx, message_id)
    tx.db.execute("UPDATE accounts SET last_outbound_ms = ? WHERE account = ?", (tx.now_ms, tx.account))
    return settle(tx, row["turn"], chunks=chunks)


def refused_by_platform(tx: Tx, chunk_id: int, reason: str) -> SendOutcome | None:
    """Record that the platform refused a chunk. None if it goes once more in a plain form."""
    query = "SELECT * FROM outbox WHERE account = ? AND id = ? AND settled_ms IS NULL"
    row = tx.db.execute(query, (tx.account, chunk_id)).fetchone()
    if row is not None and plain_forms.refused(tx, row):
        _cancel_if_stopped(tx, row)
        return None
    return refused(tx, chunk_id, reason)


def refused(tx: Tx, chunk_id: int, reason: str) -> SendOutcome:
    """Record that a chunk is refused. The rest of the reply is not sent."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'refused', reason = ?, settled_ms = ? WHERE account = ? AND id = ?"
        " AND settled_ms IS NULL RETURNING *",
        (reason, tx.now_ms, tx.account, chunk_id),
    ).fetchone()
    if row is None:
        return SendOutcome(None, "")
    audit_log.note_send(tx, row, ChunkState.REFUSED)
    cancel_rest(tx, row, _EARLIER)
    if row["turn"] is None:
        return SendOutcome(None, "")
    return SendOutcome(settle(tx, row["turn"]), delivery_summary(tx, row["turn"]))


def cancelled(tx: Tx, chunk_id: int, reason: str) -> SendOutcome:
    """Record that a chunk is not sent after all. Neither is the rest of its text."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', reason = ?, settled_ms = ?, held_until_ms = NULL"
        " WHERE account = ? AND id = ? AND settled_ms IS NULL AND state = 'queued' RETURNING *",
        (reason, tx.now_ms, tx.account, chunk_id),
    ).fetchone()
    if row is None:
        return SendOutcome(None, "")
    cancel_rest(tx, row, reason)
    return SendOutcome(settle(tx, row["turn"], reason), delivery_summary(tx, row["turn"]))


def not_admitted(tx: Tx, chunk_id: int, reason: str) -> SendOutcome:
    """Record that the sender of the message that a chunk answers lost access before it left.

    Neither the rest of the reply leaves, nor anything else that a tool queued for that message.
    """
    query = "SELECT coalesce(turn, by_turn) AS turn FROM outbox WHERE account = ? AND id = ?"
    row = tx.db.execute(query, (tx.account, chunk_id)).fetchone()
    outcome = refused(tx, chunk_id, reason)
    if row is not None and row["turn"] is not None:
        cancel_tools(tx, row["turn"], reason)
    return outcome


def forbidden(tx: Tx, chunk_id: int, reason: str) -> SendOutcome:
    """Cancel a chunk, and what follows in its text, because nothing may leave in its thread any more."""
    query = "SELECT * FROM outbox WHERE account = ? AND id = ? AND settled_ms IS NULL"
    row = tx.db.execute(query, (tx.account, chunk_id)).fetchone()
    if row is None:
        return SendOutcome(None, "")
    cancelled = {"state": ChunkState.CANCELLED, "settled_ms": tx.now_ms, "held_until_ms": None}
    change(tx, "outbox", {"id": chunk_id}, **cancelled, reason=reason)
    cancel_rest(tx, row, reason)
    return SendOutcome(settle(tx, row["turn"], reason), delivery_summary(tx, row["turn"]))


def unknown(tx: Tx, chunk_id: int, lost: LostSend) -> SendOutcome:
    """Record that a chunk may have arrived, unless its echo was seen. The rest of the reply is held.

    An album has arrived once the echo of each picture was seen.
    """
    query = "SELECT * FROM outbox WHERE account = ? AND id = ?"
    row = tx.db.execute(query, (tx.account, chunk_id)).fetchone()
    is_album = row["messages"] > 1
    seen = album_sends.note(tx, row, lost.arrived) if is_album else (row["echo"] or "",)
    if all(seen):
        receipt = Receipt(seen if is_message(row["body"]) else ())
        return SendOutcome(sent(tx, chunk_id, receipt), "")
    turn: int | None = row["turn"]
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND state = 'recalled'"
    recalled = exists(tx.db, query, tx.account, turn) or (turn is None and row["body"] == NO_TEXT)
    # Look-ups show messages, and neither reactions nor what was taken back.
    shown = is_message(row["body"])
    settles = lost.settle_ms and not lost.taken and shown and row["resends"] < MOST_RESENDS
    settles = settles and not abilities.is_off(tx, Ability.RESENDING)
    changed = change(
        tx,
        "outbox",
        {"id": chunk_id, "settled_ms": None},
        state=ChunkState.UNKNOWN,
        reason=lost.reason,
        settling_ms=tx.now_ms + lost.settle_ms if settles else None,
        looked_up_ms=None if shown else tx.now_ms,
        settled_ms=tx.now_ms if recalled else None,
    ).rowcount
    if changed:
        audit_log.note_send(tx, row, ChunkState.UNKNOWN)
    if changed and not recalled and not settles:
        note_undecided(tx, chunk_id)
    if recalled:
        update_summary(tx, turn)
    elif turn is not None:
        change(tx, "outbox", {"turn": turn, "state": ChunkState.QUEUED}, state=ChunkState.HELD)
        needs_decision(tx, turn)
    elif row["batch"] is not None:
        rest = {"batch": row["batch"], "state": ChunkState.QUEUED}
        change(tx, "outbox", rest, state=ChunkState.HELD)
    return SendOutcome(turn, delivery_summary(tx, turn))


def retry(tx: Tx, chunk_id: int, reason: str, due_ms: int) -> None:
    """Queue a chunk again that did not leave, for `due_ms`, unless its turn was stopped meanwhile."""
    row = tx.db.execute(
        "UPDATE outbox SET state = 'queued', reason = ?, due_ms = ?"
        " WHERE account = ? AND id = ? AND state = 'sending' RETURNING id, turn, by_turn, body",
        (reason, due_ms, tx.account, chunk_id),
    ).fetchone()
    if row is not None:
        _cancel_if_stopped(tx, row)


def _cancel_if_stopped(tx: Tx, row: Row) -> None:
    """Cancel a chunk that is queued again, and what follows, if its turn was stopped meanwhile."""
    if row["by_turn"] is not None:
        ended = "account = ? AND turn = ? AND state IN ('stopped', 'taken_over', 'revoked', 'recalled')"
        query = f"SELECT 1 FROM turns WHERE {ended}"  # noqa: S608 — our own text only
        if row["body"] == NO_TEXT or exists(tx.db, query, tx.account, row["by_turn"]):
            cancel_tools(tx, row["by_turn"], "its turn was stopped")
        return
    if row["turn"] is None and row["body"] == NO_TEXT:  # what it said was forgotten while it was on its way
        values = {"settled_ms": tx.now_ms, "reason": "its text was forgotten"}
        change(tx, "outbox", {"id": row["id"]}, state=ChunkState.CANCELLED, **values)
        return
    query = "SELECT 1 FROM turns WHERE account = ? AND turn = ? AND settled_ms IS NOT NULL"
    if exists(tx.db, query, tx.account, row["turn"]):
        cancel(tx, row["turn"], row["id"], "its turn was stopped")
        update_summary(tx, row["turn"])


_CHUNKS_OF_TURN = "SELECT state, settled_ms FROM outbox WHERE account = ? AND turn = "


def settle(tx: Tx, turn: int | None, because: str = "", chunks: Rows | None = None) -> int | None:
    """Finish the turn when nothing of its reply is open any more. Gives the turn if this finished it.

    `because` is the rule of the owner that kept the last of it from leaving, if one did. `chunks` are those
    of the turn, where they were asked for before.
    """
    if turn is None:
        return None
    if chunks is None:
        chunks = tx.db.execute(f"{_CHUNKS_OF_TURN} ?", (tx.account, turn))
    rows = chunks.fetchall()
    if any(row["settled_ms"] is None for row in rows):
        return None
    states = {row["state"] for row in rows}
    whole = states <= {ChunkState.SENT}
    state, reason = (TurnState.DONE, "") if whole else (TurnState.FAILED, delivery_summary(tx, turn))
    if because and not whole:
        reason = f"{because}: {reason}" if ChunkState.SENT in states else because
    given = pending_history.given_to(tx, turn)
    if not finish(tx, turn, state, reason):
        update_summary(tx, turn)
        return None
    if ChunkState.SENT in states:
        pending_history.consume(tx, turn, given)
    else:
        pending_history.give_back(tx, turn)
    return turn


def use_context(tx: Tx, turn: int) -> None:
    """The group's history that went with a turn is used up if anything of the reply arrived, else kept."""
    query = "SELECT 1 FROM outbox WHERE account = ? AND turn = ? AND state = 'sent' LIMIT 1"
    if exists(tx.db, query, tx.account, turn):
        pending_history.consume(tx, turn)
    else:
        pending_history.give_back(tx, turn)


def finish(tx: Tx, turn: int, state: TurnState, reason: str) -> bool:
    """End an open turn. False for one that had ended before."""
    key = {"turn": turn, "settled_ms": None}
    if not change(tx, "turns", key, state=state, reason=reason, settled_ms=tx.now_ms).rowcount:
        return False
    callbacks.forget_answer(tx, turn)
    return True


def mark(tx: Tx, turn: int, state: TurnState, reason: str) -> None:
    """Change the state of an open turn."""
    change(tx, "turns", {"turn": turn, "settled_ms": None}, state=state, reason=reason)


def needs_decision(tx: Tx, turn: int | None) -> None:
    """Let an open turn wait until the operator says what became of a part of its reply."""
    if turn is not None:
        mark(tx, turn, TurnState.NEEDS_DECISION, delivery_summary(tx, turn))


def note_undecided(tx: Tx, chunk_id: int) -> None:
    """Let the owner hear that only they can say whether a chunk arrived."""
    alerts.note(tx, AlertKind.DECISION_NEEDED, f"send:{chunk_id}", what="send", number=chunk_id)
