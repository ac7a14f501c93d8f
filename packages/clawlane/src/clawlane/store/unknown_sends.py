"""Transitions of unconfirmed sends: found, missing, or resolved by the operator."""

from __future__ import annotations

from dataclasses import dataclass

from clawlane.abilities import Ability
from clawlane.messages import Receipt, ThreadKind, Undone
from clawlane.store import abilities, album_sends, alerts, plain_forms, receipts, taken_back, turns
from clawlane.store.alerts import AlertKind
from clawlane.store.codec import undone_by
from clawlane.store.errors import NotInOutbox
from clawlane.store.models import LostSend, RecoveryResult
from clawlane.store.outbox import cancel_rest, whole_text
from clawlane.store.rows import change
from clawlane.store.sending import mark, needs_decision, note_undecided, sent, settle, unknown
from clawlane.store.sql import Row, Rows
from clawlane.store.states import ChunkState, TurnState
from clawlane.store.transaction import Tx
from clawlane.texts import later

_NOT_AGAIN = later("message {id} is {state}: it cannot be sent again; see: openclaw outbox list")
_NOT_ARRIVED = later("message {id} is {state}: it cannot be taken as arrived; see: openclaw outbox list")
_NOT_DROPPED = later("message {id} is {state}: it cannot be dropped; see: openclaw outbox list")

SKEW_MS = 60_000
"""How far the clock of the platform may be from ours, where times of both are compared."""

_GRACE_MS = 10_000
"""How long after it left a request that was cut off may still be carried out."""


def recover(tx: Tx, settle_ms: int = 0) -> RecoveryResult:
    """Clean up after a stop: what was being sent is of unknown fate, what crashed too often is set aside.

    Look-ups may settle those chunks for `settle_ms` from now on (0: not at all), whatever the config said
    when they left.
    """
    waiting = tx.db.execute(
        "SELECT id, settling_ms FROM outbox WHERE account = ? AND settled_ms IS NULL AND state = 'unknown'"
        " AND state <> 'queued' AND settling_ms IS NOT NULL",
        (tx.account,),
    ).fetchall()
    for row in waiting:
        until_ms = max(row["settling_ms"], tx.now_ms + settle_ms) if settle_ms else None
        change(tx, "outbox", {"id": row["id"]}, settling_ms=until_ms)
    tx.db.execute(
        "UPDATE outbox SET held_until_ms = NULL WHERE account = ? AND settled_ms IS NULL"
        " AND state = 'queued' AND held_until_ms IS NOT NULL AND place <> 2",
        (tx.account,),
    )
    rows = _sending(tx)
    for row in rows:
        unknown(tx, row["id"], LostSend("stopped between sending and the answer", settle_ms=settle_ms))
    return RecoveryResult(unknown=len(rows), set_aside=turns.recover(tx))


def doubt(tx: Tx) -> None:
    """Leave to the operator what a gateway was sending that is lost, and may still be at it.

    No look-up settles that: what the platform does not have yet may still come.
    """
    for row in _sending(tx):
        unknown(tx, row["id"], LostSend("its gateway was lost between sending and the answer"))


def _sending(tx: Tx) -> list[Row]:
    return tx.db.execute(
        "SELECT id FROM outbox WHERE account = ? AND state = 'sending' AND settled_ms IS NULL",
        (tx.account,),
    ).fetchall()


def echo(tx: Tx, client_id: str, message_id: str) -> int | None:
    """Settle a chunk that the account saw arrive.

    Gives the turn that this settled.
    """
    asked = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND client_id = ? AND settled_ms IS NULL AND attempts > 0",
        (tx.account, client_id),
    )
    albums = album_sends.open_albums(tx)
    row = asked.fetchone()
    if row is None or row["messages"] > 1:
        return _picture(tx, albums, client_id, message_id)
    if row["state"] == ChunkState.SENDING:
        change(tx, "outbox", {"id": row["id"]}, echo=message_id)
        return None
    return _arrived(tx, row, Receipt((message_id,)))


def undone(tx: Tx, fact: Undone) -> None:
    """The account saw that one of its messages was taken back: by the gateway, or on the phone."""
    own = receipts.find(tx.db, tx.account, fact.message_id)
    if own is None or own.thread != fact.thread:
        return
    rows = tx.db.execute(
        "SELECT * FROM outbox WHERE account = ? AND settled_ms IS NULL AND state IN ('sending', 'unknown')"
        " AND state <> 'queued'",  # as the index of these chunks says it
        (tx.account,),
    ).fetchall()
    for row in rows:
        if undone_by(row["body"]) != fact.message_id:
            continue
        if row["state"] == ChunkState.SENDING:
            change(tx, "outbox", {"id": row["id"]}, echo=fact.message_id)
        else:
            _arrived(tx, row, Receipt(()))
    taken_back.forget(tx, fact.message_id)


def _picture(tx: Tx, albums: Rows, client_id: str, message_id: str) -> int | None:
    """Note that a picture of an album arrived, which settles the album with the last one."""
    found = album_sends.album_of(albums, client_id)
    if found is None:
        return None
    row, place = found
    seen = album_sends.note(tx, row, ("",) * place + (message_id,))
    if row["state"] == ChunkState.SENDING or not all(seen):
        return None
    return _arrived(tx, row, Receipt(seen))


@dataclass(frozen=True, slots=True)
class LookUp:
    """What the platform had of a kind of thread at `at_ms`: everything that was sent since `back_to_ms`.

    `own_ids` are the ids of the account's own messages among it, `session` the login that asked.
    """

    kind: ThreadKind
    back_to_ms: int
    at_ms: int
    own_ids: frozenset[str]
    session: str


def absent(tx: Tx, asked: LookUp, gap_ms: int) -> int:
    """Evaluate a look-up whose finds are stored: what left before it and is still unknown is missing.

    That counts only where the look-up reached far enough and shows a message that this login sent. What two
    such look-ups, `gap_ms` apart, do not show is queued again, and looked for again if that send is lost, too
    (`MOST_RESENDS`). Gives how many chunks are queued.
    """
    query = "SELECT session FROM receipts WHERE account = ? AND message_id = ? AND thread_kind = ?"
    found = (tx.db.execute(query, (tx.account, id_, asked.kind)).fetchone() for id_ in asked.own_ids)
    sessions = {row["session"] for row in found if row}
    if sessions:  # of any login: it shows that look-ups find what was sent
        abilities.seen(tx, (Ability.LOOK_UP,))
        tx.db.execute(
            "INSERT INTO returned VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (tx.account, asked.kind, tx.now_ms),
        )
    rows = tx.db.execute(
        "SELECT outbox.*, coalesce(messages.sent_ms, created_ms - ?) AS since_ms FROM outbox"
        " LEFT JOIN messages ON messages.account = outbox.account"
        "  AND messages.seq = coalesce(outbox.turn, outbox.by_turn)"
        " WHERE outbox.account = ? AND outbox.thread_kind = ? AND outbox.state = 'unknown'"
        " AND settled_ms IS NULL AND outbox.sent_ms < ? ORDER BY id",
        (SKEW_MS, tx.account, asked.kind, asked.at_ms),
    ).fetchall()
    return sum(_judge(tx, row, asked, gap_ms, present=asked.session in sessions) for row in rows)


def _judge(tx: Tx, row: Row, asked: LookUp, gap_ms: int, *, present: bool) -> bool:
    """Whether a chunk that a look-up did not find is sent again."""
    # A reply is newer than what it answers, by the platform's own clock.
    reached = row["since_ms"] >= asked.back_to_ms
    if row["settling_ms"] is None:
        if row["looked_up_ms"] is None:
            shown = reached and present
            silent = "the platform does not tell whether it has it"
            _left_open(tx, row, "the platform does not have it" if shown else silent)
        return False
    if row["session"] != asked.session:
        _left_open(tx, row, "it was sent by an earlier login, whose messages the platform does not tell")
        return False
    if abilities.is_off(tx, Ability.RESENDING):
        _left_open(tx, row, "sending again is switched off (openclaw channels capabilities)")
        return False
    shown = reached and present
    first_ms = row["absent_ms"]
    if shown and first_ms is not None and asked.at_ms >= first_ms + gap_ms:
        _again(tx, row, max(tx.now_ms, row["sent_ms"] + _GRACE_MS))
        change(tx, "outbox", {"id": row["id"]}, resends=row["resends"] + 1)
        return True
    absent_ms = asked.at_ms if shown and first_ms is None else first_ms
    until_ms = row["settling_ms"] if absent_ms is None else max(row["settling_ms"], absent_ms + 2 * gap_ms)
    seen = {"looked_up_ms": asked.at_ms, "look_ups": row["look_ups"] + 1, "absent_ms": absent_ms}
    change(tx, "outbox", {"id": row["id"]}, **seen, settling_ms=until_ms)
    return False


def resend(tx: Tx, chunk_id: int) -> None:
    """Send a chunk of unknown fate again, and the rest after it: the operator says that it did not arrive.

    Raises `NotInOutbox`.
    """
    _again(tx, _of_operator(tx, chunk_id, (ChunkState.UNKNOWN,), _NOT_AGAIN), tx.now_ms)


def arrived(tx: Tx, chunk_id: int) -> int | None:
    """Take a chunk of unknown fate as arrived, as the operator says. The rest of its reply follows.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    row = _of_operator(tx, chunk_id, (ChunkState.UNKNOWN,), _NOT_ARRIVED)
    _release(tx, row)
    return sent(tx, chunk_id, Receipt(()), proves=False)


def drop(tx: Tx, chunk_id: int) -> int | None:
    """Give up a chunk and what follows it in its reply, as the operator says.

    Gives the turn that this settled. Raises `NotInOutbox`.
    """
    open_ = (ChunkState.QUEUED, ChunkState.HELD, ChunkState.UNKNOWN)
    row = _of_operator(tx, chunk_id, open_, _NOT_DROPPED)
    reason = "dropped by the operator"
    dropped = {"state": ChunkState.CANCELLED, "settled_ms": tx.now_ms, "reason": reason}
    change(tx, "outbox", {"id": chunk_id}, **dropped)
    cancel_rest(tx, row, reason)
    return settle(tx, row["turn"])


def _of_operator(tx: Tx, chunk_id: int, states: tuple[ChunkState, ...], refusal: str) -> Row:
    row: Row | None = tx.db.execute(
        "SELECT * FROM outbox WHERE id = ? AND account = ?", (chunk_id, tx.account)
    ).fetchone()
    if row is None:
        missing = later("the outbox of {account} has no message {id}; see: openclaw outbox list")
        raise NotInOutbox(later(missing, account=tx.account, id=chunk_id))
    if row["state"] not in states or row["settled_ms"] is not None:
        raise NotInOutbox(later(refusal, id=chunk_id, state=later(row["state"])))
    alerts.withdraw(tx, AlertKind.DECISION_NEEDED, f"send:{chunk_id}")
    tx.note(chunk=chunk_id)
    return row


def _arrived(tx: Tx, row: Row, receipt: Receipt) -> int | None:
    """The account saw it: whichever send of it that was."""
    _release(tx, row)
    abilities.seen(tx, plain_forms.used_by(row["body"]))
    return sent(tx, row["id"], receipt, proves=False)


def _again(tx: Tx, row: Row, due_ms: int) -> None:
    album_sends.keep_rest(tx, row)
    queued = {"state": ChunkState.QUEUED, "reason": "", "due_ms": due_ms}
    change(tx, "outbox", {"id": row["id"]}, **queued, looked_up_ms=None, settling_ms=None)
    _release(tx, row)


def _release(tx: Tx, row: Row) -> None:
    """Queue what was held behind a chunk of unknown fate."""
    change(tx, "outbox", {**whole_text(row), "state": ChunkState.HELD}, state=ChunkState.QUEUED)
    if row["turn"] is not None:
        mark(tx, row["turn"], TurnState.REPLIED, "")


def _left_open(tx: Tx, row: Row, found: str) -> None:
    """Leave a chunk to the operator, with what the look-up showed as its reason."""
    seen = {"looked_up_ms": tx.now_ms, "look_ups": row["look_ups"] + 1, "settling_ms": None}
    change(tx, "outbox", {"id": row["id"]}, **seen, reason=f"{row['reason']}; {found}")
    if row["settling_ms"] is not None:
        note_undecided(tx, row["id"])
    needs_decision(tx, row["turn"])
