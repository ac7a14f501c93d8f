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
from clawlane.store.records import Approved, Arrival


def meet(connection: sqlite3.Connection, account: str, arrival: Arrival, decision: Decision) -> Decision:
    """Record what a stranger's message leads to; queue the challenge text if there is one.

    Gives the final decision.
    """
    inbound, now_ms = arrival.inbound, arrival.read_ms
    if _is_approved(connection, account, inbound.sender_id):
        return paired(decision.trail)
    connection.execute("DELETE FROM pairing WHERE expires_ms <= ?", (now_ms,))
    approach = pairing.Approach(inbound.live, inbound.sender_is_friend)
    waiting = requests(connection, account, inbound.sender_id, now_ms)
    reason = pairing.answer(arrival.pairing_reply, approach, waiting)
    if reason is not Reason.DM_PAIRING_FULL:
        _record(connection, account, arrival, reason)
    if reason is Reason.DM_PAIRING_REQUIRED:
        _send_text(connection, account, arrival)
    return led_to(decision, reason)


def led_to(challenge: Decision, reason: Reason) -> Decision:
    """A challenge as the decision that the pairing store made of it."""
    trail = (*challenge.trail, "pairing_store")
    return replace(challenge, outcome=pairing.outcome(reason), reason=reason, trail=trail)


def approve(
    connection: sqlite3.Connection, account: str, code: str, now_ms: int, notice: str = ""
) -> Approved:
    """Let the sender of a pending request in, and send them the notice if there is one.

    A code works once. Raises `PairingUnknown`.
    """
    row = connection.execute(
        "DELETE FROM pairing WHERE account = ? AND code = ? AND expires_ms > ?"
        " RETURNING sender_id, sender_name",
        (account, code, now_ms),
    ).fetchone()
    if row is None:
        raise PairingUnknown(f"no pending request has the code {storable(code)!r} on {account}")
    approved = Approved(account, row["sender_id"], row["sender_name"], now_ms)
    connection.execute(
        "INSERT OR REPLACE INTO approved (account, sender_id, sender_name, code, approved_ms)"
        " VALUES (?, ?, ?, ?, ?)",
        (account, approved.sender_id, approved.sender_name, code, now_ms),
    )
    connection.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = 'approved meanwhile'"
        " WHERE account = ? AND turn IS NULL AND recipient = ? AND state = 'queued'",
        (now_ms, account, approved.sender_id),
    )
    if notice:
        thread = Thread(ThreadKind.DM, approved.sender_id)
        outbox.queue(connection, account, None, [Text(thread, notice)], now_ms)
    return approved


def revoke(connection: sqlite3.Connection, account: str, sender_id: str) -> Approved:
    """Take an approval back. Raises `PairingUnknown`."""
    row = connection.execute(
        "DELETE FROM approved WHERE account = ? AND sender_id = ? RETURNING sender_name, approved_ms",
        (account, storable(sender_id)),
    ).fetchone()
    if row is None:
        raise PairingUnknown(f"{storable(sender_id)!r} is not approved on {account}")
    return Approved(account, sender_id, row["sender_name"], row["approved_ms"])


def _is_approved(connection: sqlite3.Connection, account: str, sender_id: str) -> bool:
    query = "SELECT 1 FROM approved WHERE account = ? AND sender_id = ?"
    return connection.execute(query, (account, sender_id)).fetchone() is not None


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


def _record(connection: sqlite3.Connection, account: str, arrival: Arrival, reason: Reason) -> None:
    """Keep the request.

    A new text starts the life of its code anew, so that what was sent can be approved for an hour.
    """
    inbound, now_ms = arrival.inbound, arrival.read_ms
    expires_ms = now_ms + pairing.CODE_LIFE_MS
    texted_ms = now_ms if reason is Reason.DM_PAIRING_REQUIRED else None
    connection.execute(
        "INSERT INTO pairing VALUES (:account, :id, :name, :code, :reason, :now, :expires, :texted)"
        " ON CONFLICT (account, sender_id) DO UPDATE SET reason = :reason, sender_name = :name,"
        " texted_ms = coalesce(:texted, texted_ms),"
        " expires_ms = CASE WHEN :texted IS NULL THEN expires_ms ELSE :expires END",
        {
            "account": account,
            "id": inbound.sender_id,
            "name": storable(inbound.sender_name),
            "code": _unused_code(connection),
            "reason": reason,
            "now": now_ms,
            "expires": expires_ms,
            "texted": texted_ms,
        },
    )


def _unused_code(connection: sqlite3.Connection) -> str:
    """A code that no request of any account has."""
    while True:
        code = pairing.new_code(secrets.choice)
        if not connection.execute("SELECT 1 FROM pairing WHERE code = ?", (code,)).fetchone():
            return code


def _send_text(connection: sqlite3.Connection, account: str, arrival: Arrival) -> None:
    inbound = arrival.inbound
    row = connection.execute(
        "SELECT code, expires_ms FROM pairing WHERE account = ? AND sender_id = ?",
        (account, inbound.sender_id),
    ).fetchone()
    channel = account.partition("/")[0]
    text = pairing.challenge_text(channel, inbound.sender_id, row["code"])
    [chunk_id] = outbox.queue(connection, account, None, [Text(inbound.thread, text)], arrival.read_ms)
    connection.execute(
        "UPDATE outbox SET recipient = ?, expires_ms = ? WHERE id = ?",
        (inbound.sender_id, row["expires_ms"], chunk_id),
    )
