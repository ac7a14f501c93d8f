"""Transitions of incoming messages: stored once, and decided at once or as soon as possible."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from clawlane.access.decision import ALBUM, RETENTION, Decision, Outcome, Reason, Rule
from clawlane.access.policy import BACKLOG_MAX_AGE_MS
from clawlane.messages import Deleted, Fact, Inbound, Notice, Own, ThreadKind, Undone, Unreadable
from clawlane.store import (
    aliases,
    merging,
    notices,
    pairing,
    pending_history,
    recall,
    retention,
    unknown_sends,
)
from clawlane.store.codec import content_digest, inbound_body, inbound_of
from clawlane.store.decisions import Stage, record
from clawlane.store.models import AdmittedMessage, NewMessage, NoteResult, TurnState, UndecidedMessage
from clawlane.store.recall import AFTER_MS
from clawlane.store.transaction import Tx, forget_texts, next_number
from clawlane.store.writer import is_disk, savepoint


def admit_all(
    tx: Tx, items: Sequence[NewMessage | Fact], backlog_ms: int = BACKLOG_MAX_AGE_MS
) -> list[AdmittedMessage | NoteResult | Exception]:
    """Store messages and facts in order. One that cannot be stored costs the others nothing.

    A message that is recalled before it comes is expected for as long as it may be late (`backlog_ms`), and
    an hour.
    """
    try:
        with savepoint(tx.db):
            return [_admit_or_note(tx, item, backlog_ms) for item in items]
    except Exception as error:
        if is_disk(error):
            raise
        return [_admit_alone(tx, item, backlog_ms) for item in items]


def _admit_alone(
    tx: Tx, item: NewMessage | Fact, backlog_ms: int
) -> AdmittedMessage | NoteResult | Exception:
    try:
        with savepoint(tx.db):
            return _admit_or_note(tx, item, backlog_ms)
    except Exception as error:
        if is_disk(error):
            raise
        return error


def _admit_or_note(tx: Tx, item: NewMessage | Fact, backlog_ms: int) -> AdmittedMessage | NoteResult:
    return admit(tx, item) if isinstance(item, NewMessage) else note(tx, item, backlog_ms)


def decision_after(tx: Tx, inbound: Inbound, history_limit: int) -> Decision | None:
    """What becomes of a part that comes after its album was decided; None if that is still to be done.

    It is context of its group where the album was listened to, and else falls under the album's decision.
    """
    if inbound.album is None:
        return None
    row = tx.db.execute(
        "SELECT decisions.* FROM messages JOIN decisions"
        " ON decisions.account = messages.account AND decisions.message = seq AND stage = 'admission'"
        " WHERE messages.account = ? AND thread_kind = ? AND thread_id = ? AND sender_id = ? AND album = ?"
        " AND album <> '' ORDER BY seq LIMIT 1",
        (tx.account, inbound.thread.kind, inbound.thread.id, inbound.sender_id, inbound.album.id),
    ).fetchone()
    return _after(row, inbound, history_limit) if row else None


def without_parts_of(tx: Tx, seqs: Sequence[int]) -> list[int]:
    """Take parts out of what waits. Gives those that did: others were recalled meanwhile."""
    query = "DELETE FROM undecided WHERE account = ? AND message = ?"
    return [seq for seq in seqs if tx.db.execute(query, (tx.account, seq)).rowcount]


def _after(row: sqlite3.Row, inbound: Inbound, history_limit: int) -> Decision:
    trail = tuple(json.loads(row["trail"]))
    if row["outcome"] in (Outcome.ADMIT, Outcome.PEND):
        keep = inbound.thread.kind is ThreadKind.GROUP and history_limit > 0
        return Decision(Outcome.PEND, Reason.ALBUM_CLOSED, ALBUM, trail, keep_as_history=keep)
    rule = Rule(row["rule_path"], row["rule_origin"], row["rule_line"])
    keep = bool(row["keep_as_history"])
    decision = Decision(Outcome(row["outcome"]), Reason(row["reason"]), rule, trail, keep_as_history=keep)
    if decision.reason is Reason.DM_PAIRING_REQUIRED:
        return replace(decision, reason=Reason.DM_PAIRING_PENDING)
    return decision


_FORGOTTEN = Decision(Outcome.DROP, Reason.TOO_OLD, RETENTION)
"""About a message from before the oldest that is remembered: it may have been answered."""


def admit(tx: Tx, arrival: NewMessage) -> AdmittedMessage | NoteResult:
    """Store a message with its decision, once. Of what is neither answered nor remembered only ids stay.

    One without a decision is kept whole, and waits for `decide`.
    """
    if aliases.known(tx, arrival.inbound):
        return NoteResult()
    if reason := recall.recalled(tx, arrival.inbound):
        seq = _insert(tx, arrival, keep=False)
        query = "UPDATE messages SET recalled = ? WHERE account = ? AND seq = ?"
        tx.db.execute(query, (reason, tx.account, seq))
        return NoteResult()
    if arrival.inbound.sent_ms < retention.kept_from_ms(tx):
        arrival = replace(arrival, decision=_forgotten(arrival))
    elif late := decision_after(tx, arrival.inbound, arrival.history_limit):
        arrival = replace(arrival, decision=late)
        seq = _insert(tx, arrival, keep=arrival.remembered)
        return _follow(tx, seq, arrival, late)
    if arrival.decision is None:
        return _keep_waiting(tx, arrival)
    decision = _final(tx, arrival, arrival.decision)
    seq = _insert(tx, arrival, keep=decision.admitted or arrival.remembered)
    return _follow(tx, seq, arrival, decision)


def _forgotten(arrival: NewMessage) -> Decision:
    revision = arrival.decision.revision if arrival.decision else ""
    return replace(_FORGOTTEN, revision=revision)


def _keep_waiting(tx: Tx, arrival: NewMessage) -> NoteResult:
    album = arrival.inbound.album
    seq = _insert(tx, arrival, keep=True)
    tx.db.execute("INSERT INTO undecided VALUES (?, ?, ?)", (tx.account, seq, album.id if album else ""))
    return NoteResult(part=seq if album else None)


def undecided(tx: Tx, limit: int, after: int = 0) -> list[UndecidedMessage]:
    """The first messages behind `after` that wait for their decision, in the order they were read."""
    rows = tx.db.execute(
        "SELECT messages.* FROM undecided"
        " JOIN messages ON messages.account = undecided.account AND messages.seq = undecided.message"
        " WHERE undecided.account = ? AND undecided.message > ? ORDER BY undecided.message LIMIT ?",
        (tx.account, after, limit),
    )
    account_id = tx.account.partition("/")[2]
    return [UndecidedMessage(row["seq"], inbound_of(row, account_id), row["admitted_ms"]) for row in rows]


def decide(tx: Tx, decided: Sequence[tuple[int, NewMessage]]) -> list[AdmittedMessage]:
    """Give waiting messages their decisions, in order. One that was recalled meanwhile has no part in it."""
    results = []
    for seq, arrival in decided:
        waited = tx.db.execute(
            "DELETE FROM undecided WHERE account = ? AND message = ?", (tx.account, seq)
        ).rowcount
        if not waited or arrival.decision is None:
            continue
        decision = _final(tx, arrival, arrival.decision)
        if not (decision.admitted or arrival.remembered):
            forget_texts(tx, [seq])
        results.append(_follow(tx, seq, arrival, decision))
    return results


def decide_album(tx: Tx, parts: Sequence[tuple[int, Inbound]], arrival: NewMessage) -> list[AdmittedMessage]:
    """Give the parts of an album the decision about all of them, which is one turn or one request."""
    if arrival.decision is None:
        return []
    waiting = without_parts_of(tx, [seq for seq, _ in parts])
    decision = _final(tx, arrival, arrival.decision) if waiting else arrival.decision
    if not (decision.admitted or arrival.remembered):
        forget_texts(tx, waiting)
    followed = (
        _follow(tx, seq, replace(arrival, inbound=inbound), decision, turn=waiting[0])
        for seq, inbound in parts
        if seq in waiting
    )
    return [replace(one, album=arrival.inbound) for one in followed]


def _final(tx: Tx, arrival: NewMessage, decision: Decision) -> Decision:
    """A challenge becomes what it leads to."""
    if decision.outcome is Outcome.CHALLENGE:
        return pairing.meet(tx, arrival, decision)
    return decision


def _follow(
    tx: Tx, seq: int, arrival: NewMessage, decision: Decision, *, turn: int | None = None
) -> AdmittedMessage:
    """The record of a decision, and the turn or the memory that it leads to. `turn` is that of its album."""
    joined = False
    ready_ms = arrival.read_ms + arrival.merge_ms if merging.mergeable(arrival, decision) else 0
    if decision.admitted:
        joined = (turn is None and ready_ms > 0 and merging.join(tx, seq, arrival)) or _begin(
            tx, seq, seq if turn is None else turn, ready_ms
        )
    elif arrival.remembered:
        pending_history.keep(tx, seq, arrival.inbound, arrival.history_limit)
    record(tx, seq, Stage.ADMISSION, decision)
    return AdmittedMessage(seq, arrival.inbound, decision, arrival.read_ms, joined, ready_ms)


def _begin(tx: Tx, seq: int, turn: int, ready_ms: int) -> bool:
    """Put an admitted message into a turn, which it begins or which is that of its album: then True."""
    if turn == seq:
        tx.db.execute(
            "INSERT INTO turns (account, turn, state, ready_ms) VALUES (?, ?, ?, ?)",
            (tx.account, seq, TurnState.WAITING, ready_ms),
        )
    tx.db.execute("INSERT INTO turn_messages VALUES (?, ?, ?)", (tx.account, seq, turn))
    return turn != seq


def _insert(tx: Tx, arrival: NewMessage, *, keep: bool) -> int:
    inbound, now_ms = arrival.inbound, arrival.read_ms
    seq = next_number(tx, "message")
    tx.db.execute(
        "INSERT INTO messages (account, seq, message_id, client_id, thread_kind, thread_id, sender_id, kind,"
        " content, album, album_total, sent_ms, admitted_ms, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.account,
            seq,
            inbound.message_id,
            inbound.client_id,
            inbound.thread.kind,
            inbound.thread.id,
            inbound.sender_id,
            inbound.kind,
            content_digest(inbound),
            inbound.album.id if inbound.album else "",
            inbound.album.total if inbound.album else 0,
            inbound.sent_ms,
            now_ms,
            inbound_body(inbound) if keep else None,
        ),
    )
    aliases.keep(tx, seq, inbound)
    tx.db.execute(
        "INSERT INTO accounts (account, last_inbound_ms) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET last_inbound_ms = excluded.last_inbound_ms",
        (tx.account, now_ms),
    )
    return seq


def note(tx: Tx, fact: Fact, backlog_ms: int) -> NoteResult:
    """Keep what follows from a fact. Messages up to `backlog_ms` old may still come and be answered."""
    match fact:
        case Own():
            return NoteResult(unknown_sends.echo(tx, fact.client_id, fact.message_id))
        case Undone():
            return NoteResult(recalled=recall.undone(tx, fact, backlog_ms + AFTER_MS))
        case Deleted():
            return NoteResult(recalled=recall.deleted(tx, fact, backlog_ms + AFTER_MS))
        case Notice() | Unreadable():
            notices.note(tx, fact)
            return NoteResult()
