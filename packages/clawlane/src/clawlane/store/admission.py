"""Transitions of the way in: a message is stored once, at once decided or as soon as that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clawlane.access.decision import RETENTION, Decision, Outcome, Reason
from clawlane.store import aliases, history, pairing, retention
from clawlane.store.codec import content_digest, inbound_body, inbound_of
from clawlane.store.decisions import Stage, record
from clawlane.store.records import Admitted, Arrival, Noted, TurnState, Undecided
from clawlane.store.texts import forget_texts
from clawlane.store.transaction import Tx, next_number

_FORGOTTEN = Decision(Outcome.DROP, Reason.TOO_OLD, RETENTION)
"""About a message from before the oldest that is remembered: it may have been answered."""


def admit(tx: Tx, arrival: Arrival) -> Admitted | Noted:
    """Store a message with its decision, once. Of what is neither answered nor remembered only ids stay.

    One without a decision is kept whole, and waits for `decide`.
    """
    if aliases.known(tx, arrival.inbound):
        return Noted()
    if arrival.inbound.sent_ms < retention.kept_from_ms(tx):
        arrival = replace(arrival, decision=_forgotten(arrival))
    if arrival.decision is None:
        seq = _insert(tx, arrival, keep=True)
        tx.db.execute("INSERT INTO undecided (account, message) VALUES (?, ?)", (tx.account, seq))
        return Noted()
    decision = _final(tx, arrival, arrival.decision)
    seq = _insert(tx, arrival, keep=decision.admitted or arrival.remembered)
    return _follow(tx, seq, arrival, decision)


def _forgotten(arrival: Arrival) -> Decision:
    revision = arrival.decision.revision if arrival.decision else ""
    return replace(_FORGOTTEN, revision=revision)


def undecided(tx: Tx, limit: int) -> list[Undecided]:
    """The first messages that wait for their decision, in the order they were read."""
    rows = tx.db.execute(
        "SELECT messages.* FROM undecided"
        " JOIN messages ON messages.account = undecided.account AND messages.seq = undecided.message"
        " WHERE undecided.account = ? ORDER BY undecided.message LIMIT ?",
        (tx.account, limit),
    )
    account_id = tx.account.partition("/")[2]
    return [Undecided(row["seq"], inbound_of(row, account_id), row["admitted_ms"]) for row in rows]


def decide(tx: Tx, decided: Sequence[tuple[int, Arrival]]) -> list[Admitted]:
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


def _final(tx: Tx, arrival: Arrival, decision: Decision) -> Decision:
    """A challenge becomes what it leads to."""
    if decision.outcome is Outcome.CHALLENGE:
        return pairing.meet(tx, arrival, decision)
    return decision


def _follow(tx: Tx, seq: int, arrival: Arrival, decision: Decision) -> Admitted:
    """The record of a decision, and the turn or the memory that it leads to."""
    record(tx, seq, Stage.ADMISSION, decision)
    if decision.admitted:
        tx.db.execute(
            "INSERT INTO turns (account, turn, state) VALUES (?, ?, ?)", (tx.account, seq, TurnState.WAITING)
        )
        tx.db.execute("INSERT INTO turn_messages VALUES (?, ?, ?)", (tx.account, seq, seq))
    elif arrival.remembered:
        history.keep(tx, seq, arrival.inbound, arrival.history_limit)
    return Admitted(seq, arrival.inbound, decision, arrival.read_ms)


def _insert(tx: Tx, arrival: Arrival, *, keep: bool) -> int:
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
