"""Transitions of pairing: a stranger's request, and the owner's answer to it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from clawlane.access import pairing
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.pairing import skeleton
from clawlane.access.rules import PAIRING_STORE, paired_decision
from clawlane.messages import Person, Text, Thread, ThreadKind
from clawlane.store import outbox
from clawlane.store.codec import storable
from clawlane.store.directory import members
from clawlane.store.errors import PairingUnknown
from clawlane.store.models import Approved, NewMessage, PairingRequest, Purpose, Rejected
from clawlane.store.transaction import Tx


def meet(tx: Tx, arrival: NewMessage, decision: Decision) -> Decision:
    """Record what a stranger's message leads to; queue the challenge text if there is one.

    Gives the final decision.
    """
    inbound = arrival.inbound
    if _is_approved(tx, inbound.sender_id):
        return paired_decision(decision.trail)
    _forget_what_is_over(tx)
    approach = pairing.Contact(inbound.live, inbound.sender_is_friend)
    waiting = requests(tx.db, tx.account, inbound.sender_id, tx.now_ms)
    reason = pairing.answer(arrival.pairing_reply, approach, waiting)
    if pairing.outcome(reason) is Outcome.CHALLENGE:
        friend = True if waiting.known_friend and approach.friend is None else approach.friend
        if waiting.own_texted is None and waiting.full and not friend:
            _give_way(tx)
        _record(tx, arrival, reason, friend)
    if reason is Reason.DM_PAIRING_REQUIRED:
        _send_text(tx, arrival)
    return led_to(decision, reason)


def led_to(challenge: Decision, reason: Reason) -> Decision:
    """A challenge as the decision that the pairing store made of it."""
    trail = (*challenge.trail, "pairing_store")
    rule = Rule(PAIRING_STORE, PAIRING_STORE) if reason is Reason.DM_REJECTED else challenge.rule
    return replace(challenge, outcome=pairing.outcome(reason), reason=reason, rule=rule, trail=trail)


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
        "INSERT INTO approved (account, sender_id, sender_name, code, approved_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account, sender_id) DO UPDATE SET sender_name = excluded.sender_name,"
        " code = excluded.code, approved_ms = excluded.approved_ms",
        (tx.account, approved.sender_id, approved.sender_name, code, tx.now_ms),
    )
    tx.db.execute("DELETE FROM lapsed WHERE account = ? AND sender_id = ?", (tx.account, approved.sender_id))
    _cancel_text(tx, approved.sender_id, "approved meanwhile")
    tx.note(sender_id=approved.sender_id, told=bool(notice))
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
    tx.note(sender_id=sender_id)
    return Approved(tx.account, sender_id, row["sender_name"], row["approved_ms"])


def reject(tx: Tx, sender_id: str, *, block: bool = False) -> Rejected:
    """Turn a sender away, whether they have a request or not, for 30 days or with `block` until `unblock`.

    A block stays one. Raises `PairingUnknown` for somebody who is approved.
    """
    sender = storable(sender_id)
    if _is_approved(tx, sender):
        raise PairingUnknown(approved_before(tx.account, sender))
    asked = tx.db.execute(
        "DELETE FROM pairing WHERE account = ? AND sender_id = ? RETURNING sender_name", (tx.account, sender)
    ).fetchone()
    tx.db.execute("DELETE FROM lapsed WHERE account = ? AND sender_id = ?", (tx.account, sender))
    _cancel_text(tx, sender, "turned away meanwhile")
    row = tx.db.execute(
        "INSERT INTO rejected (account, sender_id, sender_name, rejected_ms, until_ms)"
        " VALUES (:account, :id, :name, :now, :until) ON CONFLICT (account, sender_id) DO UPDATE SET"
        " sender_name = CASE WHEN :name = '' THEN rejected.sender_name ELSE :name END, rejected_ms = :now,"
        " until_ms = CASE WHEN rejected.until_ms IS NOT NULL THEN :until END"
        " RETURNING account, sender_id, sender_name, rejected_ms, until_ms",
        {
            "account": tx.account,
            "id": sender,
            "name": asked["sender_name"] if asked else "",
            "now": tx.now_ms,
            "until": None if block else tx.now_ms + pairing.REJECTED_MS,
        },
    ).fetchone()
    tx.note(sender_id=sender, until_ms=row["until_ms"])
    return Rejected(*row)


def unblock(tx: Tx, sender_id: str) -> Rejected:
    """Let a sender who was turned away ask again. Raises `PairingUnknown`."""
    row = tx.db.execute(
        "DELETE FROM rejected WHERE account = ? AND sender_id = ?"
        " RETURNING account, sender_id, sender_name, rejected_ms, until_ms",
        (tx.account, storable(sender_id)),
    ).fetchone()
    if row is None:
        raise PairingUnknown(f"{storable(sender_id)!r} is not turned away on {tx.account}")
    tx.note(sender_id=sender_id)
    return Rejected(*row)


def approved_before(account: str, sender_id: str) -> str:
    """The one line for somebody who cannot be turned away."""
    channel = account.partition("/")[0]
    return (
        f"{sender_id!r} is approved on {account}; take that back first:"
        f" openclaw pairing revoke {channel} {sender_id}"
    )


def _is_approved(tx: Tx, sender_id: str) -> bool:
    query = "SELECT 1 FROM approved WHERE account = ? AND sender_id = ?"
    return tx.db.execute(query, (tx.account, sender_id)).fetchone() is not None


_FRIEND = (
    "coalesce(pairing.is_friend, EXISTS (SELECT 1 FROM known_people"
    " WHERE known_people.account = pairing.account AND group_id = '' AND user_id = pairing.sender_id))"
)
"""Whether somebody who waits is a friend; where no message said it, as the friends were last looked up."""


def requests(connection: sqlite3.Connection, account: str, sender_id: str, now_ms: int) -> pairing.Requests:
    """The requests of an account as a sender meets them."""
    rows = connection.execute(
        f"SELECT sender_id, texted_ms, expires_ms, {_FRIEND} AS friend FROM pairing WHERE account = ?",  # noqa: S608
        (account,),
    ).fetchall()
    live = [row for row in rows if row["expires_ms"] > now_ms]
    own = [row["texted_ms"] is not None for row in live if row["sender_id"] == sender_id]
    strangers = [row["sender_id"] for row in live if not row["friend"] and row["sender_id"] != sender_id]
    lapsed = _lapsed(connection, account, now_ms)
    lapsed |= {row["sender_id"] for row in rows if row["expires_ms"] <= now_ms}
    return pairing.Requests(
        own_texted=own[0] if own else None,
        strangers=len(strangers),
        texts=_texts(connection, account, now_ms),
        lapsed=len(lapsed.intersection(strangers)),
        own_lapsed=sender_id in lapsed,
        rejected=_is_rejected(connection, account, sender_id, now_ms),
        known_friend=_is_known_friend(connection, account, sender_id),
    )


def _lapsed(connection: sqlite3.Connection, account: str, now_ms: int) -> set[str]:
    """Whose request expired unanswered of late."""
    query = "SELECT sender_id FROM lapsed WHERE account = ? AND at_ms > ?"
    return {row["sender_id"] for row in connection.execute(query, (account, now_ms - pairing.LAPSED_MS))}


def _texts(connection: sqlite3.Connection, account: str, now_ms: int) -> int:
    """How many challenge texts there were within the last hour."""
    (texts,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE account = ? AND turn IS NULL AND recipient <> ''"
        " AND created_ms > ?",
        (account, now_ms - pairing.TEXTS_WINDOW_MS),
    ).fetchone()
    return int(texts)


def _is_rejected(connection: sqlite3.Connection, account: str, sender_id: str, now_ms: int) -> bool:
    query = (
        "SELECT 1 FROM rejected WHERE account = ? AND sender_id = ? AND (until_ms IS NULL OR until_ms > ?)"
    )
    return connection.execute(query, (account, sender_id, now_ms)).fetchone() is not None


def _is_known_friend(connection: sqlite3.Connection, account: str, sender_id: str) -> bool:
    query = "SELECT 1 FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?"
    return connection.execute(query, (account, sender_id)).fetchone() is not None


def _forget_what_is_over(tx: Tx) -> None:
    """Whose request expired goes behind others from now on; that and a rejection end after their time."""
    tx.db.execute(
        "INSERT INTO lapsed (account, sender_id, at_ms)"
        " SELECT account, sender_id, expires_ms FROM pairing WHERE account = ? AND expires_ms <= ?"
        " ON CONFLICT (account, sender_id) DO UPDATE SET at_ms = excluded.at_ms",
        (tx.account, tx.now_ms),
    )
    tx.db.execute("DELETE FROM pairing WHERE account = ? AND expires_ms <= ?", (tx.account, tx.now_ms))
    tx.db.execute(
        "DELETE FROM lapsed WHERE account = ? AND at_ms <= ?", (tx.account, tx.now_ms - pairing.LAPSED_MS)
    )
    tx.db.execute("DELETE FROM rejected WHERE account = ? AND until_ms <= ?", (tx.account, tx.now_ms))


def _give_way(tx: Tx) -> None:
    """End the request of a stranger who let an earlier one expire: first one who was told no code."""
    row = tx.db.execute(
        f"SELECT sender_id FROM pairing JOIN lapsed USING (account, sender_id)"  # noqa: S608
        f" WHERE account = ? AND NOT {_FRIEND} ORDER BY texted_ms IS NOT NULL, created_ms LIMIT 1",
        (tx.account,),
    ).fetchone()
    place = (tx.account, row["sender_id"])
    tx.db.execute("DELETE FROM pairing WHERE account = ? AND sender_id = ?", place)
    _cancel_text(tx, row["sender_id"], "somebody who never asked before went first")


def _cancel_text(tx: Tx, sender_id: str, reason: str) -> None:
    """Keep a challenge that has not left from leaving."""
    tx.db.execute(
        "UPDATE outbox SET state = 'cancelled', settled_ms = ?, reason = ?"
        " WHERE account = ? AND turn IS NULL AND recipient = ? AND state = 'queued'",
        (tx.now_ms, reason, tx.account, sender_id),
    )


def _record(tx: Tx, arrival: NewMessage, reason: Reason, friend: bool | None) -> None:
    """Keep the request.

    A new text starts the life of its code anew, so that what was sent can be approved for an hour.
    """
    inbound, now_ms = arrival.inbound, tx.now_ms
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
            "friend": friend,
        },
    )


def _unused_code(tx: Tx) -> str:
    """A code that no request of any account has."""
    while True:
        code = pairing.new_code(secrets.choice)
        if not tx.db.execute("SELECT 1 FROM pairing WHERE code = ?", (code,)).fetchone():
            return code


def _send_text(tx: Tx, arrival: NewMessage) -> None:
    inbound = arrival.inbound
    row = tx.db.execute(
        "SELECT code, expires_ms FROM pairing WHERE account = ? AND sender_id = ?",
        (tx.account, inbound.sender_id),
    ).fetchone()
    channel = tx.account.partition("/")[0]
    template = arrival.pairing_text or pairing.built_in_text("")
    text = pairing.challenge_text(template, channel, inbound.sender_id, row["code"])
    [chunk_id] = outbox.queue(tx, None, [Text(inbound.thread, text)], Purpose.CHALLENGE)
    tx.db.execute(
        "UPDATE outbox SET recipient = ?, expires_ms = ? WHERE account = ? AND id = ?",
        (inbound.sender_id, row["expires_ms"], tx.account, chunk_id),
    )


_REQUESTS = (
    "SELECT pairing.account, sender_id, sender_name, code, reason, created_ms, expires_ms, is_friend,"
    " max(coalesce(last_seen_ms, 0) - :now, 0) AS behind_ms"
    " FROM pairing LEFT JOIN accounts ON accounts.account = pairing.account"
    " WHERE expires_ms > max(coalesce(last_seen_ms, 0), :now) ORDER BY created_ms, sender_id"
)
"""A clock that was set back since the last change of an account is `behind`; codes live no longer for it."""


def open_requests(connection: sqlite3.Connection, now_ms: int) -> list[PairingRequest]:
    """Who waits for the owner, over all accounts, friends first, then the oldest first.

    The times are told by the clock as it is now.
    """
    found = [_request(row) for row in connection.execute(_REQUESTS, {"now": now_ms})]
    friends = {account: members(connection, account, "") for account in {one.account for one in found}}
    told = [_with_friends(one, friends[one.account]) for one in found]
    return sorted(told, key=lambda one: not one.is_friend)


def _with_friends(one: PairingRequest, friends: Sequence[Person]) -> PairingRequest:
    """The request with what the friends, as they were last looked up, say about its sender."""
    if one.is_friend is None and any(friend.id == one.sender_id for friend in friends):
        return replace(one, is_friend=True)
    if one.is_friend:
        return one
    namesake = _namesake(one, friends)
    return replace(one, namesake_id=namesake.id, namesake=namesake.name) if namesake else one


def _namesake(one: PairingRequest, friends: Sequence[Person]) -> Person | None:
    """The first friend whose name somebody bears who is not that friend."""
    wanted = skeleton(one.sender_name)
    for friend in friends if wanted else ():
        if friend.id != one.sender_id and wanted in map(skeleton, (friend.name, *friend.aliases)):
            return friend
    return None


def approved(connection: sqlite3.Connection, account: str | None = None) -> list[Approved]:
    """Whom the owner let in, on one account or on all, oldest first."""
    rows = connection.execute(
        "SELECT account, sender_id, sender_name, approved_ms FROM approved"
        " WHERE account = coalesce(?, account) ORDER BY approved_ms, account, sender_id",
        (account,),
    )
    return [Approved(*row) for row in rows]


def used_code(connection: sqlite3.Connection, code: str) -> Approved | None:
    """Whom a code let in that was used before."""
    row = connection.execute(
        "SELECT account, sender_id, sender_name, approved_ms FROM approved WHERE code = ?", (code,)
    ).fetchone()
    return Approved(*row) if row else None


def rejected(connection: sqlite3.Connection, now_ms: int) -> list[Rejected]:
    """Whom the owner turned away, over all accounts, the newest last."""
    rows = connection.execute(
        "SELECT account, sender_id, sender_name, rejected_ms, until_ms FROM rejected"
        " WHERE until_ms IS NULL OR until_ms > ? ORDER BY rejected_ms, account, sender_id",
        (now_ms,),
    )
    return [Rejected(*row) for row in rows]


def _request(row: sqlite3.Row) -> PairingRequest:
    behind_ms = row["behind_ms"]
    return PairingRequest(
        account=row["account"],
        sender_id=row["sender_id"],
        sender_name=row["sender_name"],
        code=row["code"],
        reason=row["reason"],
        created_ms=row["created_ms"] - behind_ms,
        expires_ms=row["expires_ms"] - behind_ms,
        is_friend=None if row["is_friend"] is None else bool(row["is_friend"]),
    )
