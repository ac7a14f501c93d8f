"""Transitions of pairing: a stranger's request, and the owner's answer to it."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import replace

from clawlane.access import pairing
from clawlane.access.decision import Decision, Reason
from clawlane.access.dm import paired
from clawlane.messages import Text, Thread, ThreadKind
from clawlane.store import outbox
from clawlane.store.codec import storable
from clawlane.store.errors import PairingUnknown
from clawlane.store.records import Approved, Arrival, Purpose
from clawlane.store.transaction import Tx


def meet(tx: Tx, arrival: Arrival, decision: Decision) -> Decision:
    """Record what a stranger's message leads to; queue the challenge text if there is one.

    Gives the final decision.
    """
    inbound, now_ms = arrival.inbound, arrival.read_ms
    if _is_approved(tx, inbound.sender_id):
        return paired(decision.trail)
    tx.db.execute("DELETE FROM pairing WHERE expires_ms <= ?", (now_ms,))
    approach = pairing.Approach(inbound.live, inbound.sender_is_friend)
    waiting = requests(tx.db, tx.account, inbound.sender_id, now_ms)
    reason = pairing.answer(arrival.pairing_reply, approach, waiting)
    if reason is not Reason.DM_PAIRING_FULL:
        _record(tx, arrival, reason)
    if reason is Reason.DM_PAIRING_REQUIRED:
        _send_text(tx, arrival)
    return led_to(decision, reason)


def led_to(challenge: Decision, reason: Reason) -> Decision:
    """A challenge as the decision that the pairing store made of it."""
    trail = (*challenge.trail, "pairing_store")
    return replace(challenge, outcome=pairing.outcome(reason), reason=reason, trail=trail)


def approve(tx: Tx, code: str, notice: str = "") -> Approved:
    """Let the sender of a pending request in, and send them the notice if there is one.

    A code works once. Raises `PairingUnknown`.
    """
    row = tx.db.execute(
        "DELETE FROM pairing WHERE account = ? AND code = ? AND expires_ms > ?"
        " RETURNING sender_id, sender_name",
        (tx.account, code, tx.now_ms),
    ).fetchone()
    if row is None:
        raise PairingUnknown(f"no pending request has the code {storable(code)!r} on {tx.account}")
    approved = Approved(tx.account, row["sender_id"], row["sender_name"], tx.now_ms)
    tx.db.execute(
        "INSERT OR REPLACE INTO approved (account, sender_id, sender_name, code, approved_ms)"
        " VALUES (?, ?, ?, ?, ?)",
        (tx.account, approved.sender_id, approved.sender_name, code, tx.now_ms),
    )
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = 'approved meanwhile'"
        " WHERE account = ? AND turn IS NULL AND recipient = ? AND state = 'queued'",
        (tx.now_ms, tx.account, approved.sender_id),
    )
    if notice:
        thread = Thread(ThreadKind.DM, approved.sender_id)
        outbox.queue(tx, None, [Text(thread, notice)], Purpose.NOTICE)
    return approved


def revoke(tx: Tx, sender_id: str) -> Approved:
    """Take an approval back. Raises `PairingUnknown`."""
    row = tx.db.execute(
        "DELETE FROM approved WHERE account = ? AND sender_id = ? RETURNING sender_name, approved_ms",
        (tx.account, storable(sender_id)),
    ).fetchone()
    if row is None:
        raise PairingUnknown(f"{storable(sender_id)!r} is not approved on {tx.account}")
    return Approved(tx.account, sender_id, row["sender_name"], row["approved_ms"])


def _is_approved(tx: Tx, sender_id: str) -> bool:
    query = "SELECT 1 FROM approved WHERE account = ? AND sender_id = ?"
    return tx.db.execute(query, (tx.account, sender_id)).fetchone() is not None


def requests(connection: sqlite3.Connection, account: str, sender_id: str, now_ms: int) -> pairing.Requests:
    """The requests of an account as a sender meets them."""
    rows = connection.execute(
        "SELECT sender_id, texted_ms FROM pairing WHERE account = ? AND expires_ms > ?", (account, now_ms)
    ).fetchall()
    own = [row["texted_ms"] is not None for row in rows if row["sender_id"] == sender_id]
    (texts,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE account = ? AND turn IS NULL AND recipient <> ''"
        " AND created_ms > ?",
        (account, now_ms - pairing.TEXTS_WINDOW_MS),
    ).fetchone()
    return pairing.Requests(own[0] if own else None, len(rows) - len(own), texts)


def _record(tx: Tx, arrival: Arrival, reason: Reason) -> None:
    """Keep the request.

    A new text starts the life of its code anew, so that what was sent can be approved for an hour.
    """
    inbound, now_ms = arrival.inbound, arrival.read_ms
    expires_ms = now_ms + pairing.CODE_LIFE_MS
    texted_ms = now_ms if reason is Reason.DM_PAIRING_REQUIRED else None
    tx.db.execute(
        "INSERT INTO pairing"
        " (account, sender_id, sender_name, code, reason, created_ms, expires_ms, texted_ms, is_friend)"
        " VALUES (:account, :id, :name, :code, :reason, :now, :expires, :texted, :friend)"
        " ON CONFLICT (account, sender_id) DO UPDATE SET reason = :reason, sender_name = :name,"
        " is_friend = coalesce(:friend, is_friend),"
        " texted_ms = coalesce(:texted, texted_ms),"
        " expires_ms = CASE WHEN :texted IS NULL THEN expires_ms ELSE :expires END",
        {
            "account": tx.account,
            "id": inbound.sender_id,
            "name": storable(inbound.sender_name),
            "code": _unused_code(tx),
            "reason": reason,
            "now": now_ms,
            "expires": expires_ms,
            "texted": texted_ms,
            "friend": inbound.sender_is_friend,
        },
    )


def _unused_code(tx: Tx) -> str:
    """A code that no request of any account has."""
    while True:
        code = pairing.new_code(secrets.choice)
        if not tx.db.execute("SELECT 1 FROM pairing WHERE code = ?", (code,)).fetchone():
            return code


def _send_text(tx: Tx, arrival: Arrival) -> None:
    inbound = arrival.inbound
    row = tx.db.execute(
        "SELECT code, expires_ms FROM pairing WHERE account = ? AND sender_id = ?",
        (tx.account, inbound.sender_id),
    ).fetchone()
    channel = tx.account.partition("/")[0]
    text = pairing.challenge_text(channel, inbound.sender_id, row["code"])
    [chunk_id] = outbox.queue(tx, None, [Text(inbound.thread, text)], Purpose.CHALLENGE)
    tx.db.execute(
        "UPDATE outbox SET recipient = ?, expires_ms = ? WHERE account = ? AND id = ?",
        (inbound.sender_id, row["expires_ms"], tx.account, chunk_id),
    )
