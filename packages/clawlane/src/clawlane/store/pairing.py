"""Transitions of pairing: a stranger's request, and the owner's answer to it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from clawlane.access import pairing
from clawlane.access.decision import Decision, Outcome, Reason, Rule
from clawlane.access.pairing import skeleton
from clawlane.access.rules import PAIRING_STORE, paired_decision
from clawlane.messages import Person, Text, Thread, ThreadKind
from clawlane.store import alerts, outbox
from clawlane.store.alerts import AlertKind
from clawlane.store.codec import storable
from clawlane.store.directory import members
from clawlane.store.errors import PairingUnknown
from clawlane.store.models import NewMessage, Purpose
from clawlane.store.people import Approved, PairingRequest, Rejected
from clawlane.store.rows import change, exists, put, value_of
from clawlane.store.sql import Database, Row
from clawlane.store.states import ChunkState
from clawlane.store.transaction import Tx
from clawlane.texts import later


def meet(tx: Tx, arrival: NewMessage, decision: Decision) -> Decision:
    """Record what a stranger's message leads to; queue the challenge text if there is one.

    Gives the final decision.
    """
    inbound = arrival.inbound
    if _is_approved(tx, inbound.sender_id):
        return paired_decision(decision.trail)
    _end_requests(tx)
    contact = pairing.Contact(inbound.live, inbound.sender_is_friend, arrival.mute)
    waiting = requests(tx.db, tx.account, inbound.sender_id, tx.now_ms)
    reason = pairing.answer(arrival.pairing_reply, contact, waiting)
    if pairing.outcome(reason) is Outcome.CHALLENGE:
        friend = True if waiting.known_friend and contact.friend is None else contact.friend
        if waiting.own_texted is None and waiting.full and not friend:
            _give_way(tx)
        is_new = not _has_request(tx, inbound.sender_id)
        request = _record(tx, arrival, reason, friend)
        if is_new:
            facts = {"reason": reason, "friend": friend, "code": request["code"]}
            alerts.note(tx, AlertKind.PAIRING_REQUEST, inbound.sender_id, **facts)
        if reason is Reason.DM_PAIRING_REQUIRED:
            channel = tx.account.partition("/")[0]
            template = arrival.pairing_text or pairing.built_in_text("")
            text = pairing.challenge_text(template, channel, inbound.sender_id, request["code"])
            [chunk_id] = outbox.queue(tx, None, [Text(inbound.thread, text)], Purpose.CHALLENGE)
            sent_to = {"recipient": inbound.sender_id, "expires_ms": request["expires_ms"]}
            change(tx, "outbox", {"id": chunk_id}, **sent_to)
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
        raise PairingUnknown(
            later(
                "no pending request has the code {code!r} on {account}",
                code=storable(code),
                account=tx.account,
            )
        )
    approved = admit_approved(tx, row["sender_id"], row["sender_name"], code)
    tx.note(sender_id=approved.sender_id, told=bool(notice))
    if notice:
        outbox.queue(tx, None, [Text(Thread(ThreadKind.DM, approved.sender_id), notice)], Purpose.NOTICE)
    return approved


def admit_approved(tx: Tx, sender_id: str, name: str, code: str) -> Approved:
    """Store an approval. What waited for it is over."""
    key = {"sender_id": sender_id}
    put(tx, "approved", key, sender_name=name, code=code, approved_ms=tx.now_ms)
    for table in ("pairing", "lapsed"):
        tx.db.execute(f"DELETE FROM {table} WHERE account = ? AND sender_id = ?", (tx.account, sender_id))  # noqa: S608
    _is_over(tx, sender_id, "approved meanwhile")
    return Approved(tx.account, sender_id, name, tx.now_ms)


def revoke(tx: Tx, sender_id: str) -> Approved:
    """Take an approval back. Raises `PairingUnknown`."""
    row = tx.db.execute(
        "DELETE FROM approved WHERE account = ? AND sender_id = ? RETURNING sender_name, approved_ms",
        (tx.account, storable(sender_id)),
    ).fetchone()
    if row is None:
        raise PairingUnknown(
            later(
                "{sender_id!r} is not approved on {account}",
                sender_id=storable(sender_id),
                account=tx.account,
            )
        )
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
    _is_over(tx, sender, "turned away meanwhile")
    query = "SELECT sender_name, until_ms FROM rejected WHERE account = ? AND sender_id = ?"
    before = tx.db.execute(query, (tx.account, sender)).fetchone()
    name = (asked and asked["sender_name"]) or (before["sender_name"] if before else "")
    blocked = block or (before is not None and before["until_ms"] is None)
    until_ms = None if blocked else tx.now_ms + pairing.REJECTED_MS
    put(tx, "rejected", {"sender_id": sender}, sender_name=name, rejected_ms=tx.now_ms, until_ms=until_ms)
    tx.note(sender_id=sender, until_ms=until_ms)
    return Rejected(tx.account, sender, name, tx.now_ms, until_ms)


def unblock(tx: Tx, sender_id: str) -> Rejected:
    """Let a sender who was turned away ask again. Raises `PairingUnknown`."""
    row = tx.db.execute(
        "DELETE FROM rejected WHERE account = ? AND sender_id = ?"
        " RETURNING account, sender_id, sender_name, rejected_ms, until_ms",
        (tx.account, storable(sender_id)),
    ).fetchone()
    if row is None:
        raise PairingUnknown(
            later(
                "{sender_id!r} is not rejected on {account}",
                sender_id=storable(sender_id),
                account=tx.account,
            )
        )
    tx.note(sender_id=sender_id)
    return Rejected(*row)


def approved_before(account: str, sender_id: str) -> str:
    """The one line for somebody who cannot be turned away."""
    channel = account.partition("/")[0]
    return later(
        "{id!r} is approved on {account}; take that back first: openclaw pairing revoke {channel} {id}",
        id=sender_id,
        account=account,
        channel=channel,
    )


def _has_request(tx: Tx, sender_id: str) -> bool:
    return exists(tx.db, "SELECT 1 FROM pairing WHERE account = ? AND sender_id = ?", tx.account, sender_id)


def _is_approved(tx: Tx, sender_id: str) -> bool:
    query = "SELECT 1 FROM approved WHERE account = ? AND sender_id = ?"
    return exists(tx.db, query, tx.account, sender_id)


_FRIEND = (
    "CASE WHEN pairing.is_friend IS NOT NULL THEN pairing.is_friend WHEN EXISTS (SELECT 1 FROM known_people"
    " WHERE known_people.account = pairing.account AND group_id = '' AND user_id = pairing.sender_id)"
    " THEN 1 ELSE 0 END"
)
"""Whether somebody who waits is a friend; where no message said it, as the friends were last looked up."""


def requests(connection: Database, account: str, sender_id: str, now_ms: int) -> pairing.Requests:
    """The requests of an account as a sender meets them."""
    rows = connection.execute(
        f"SELECT sender_id, texted_ms, expires_ms, {_FRIEND} AS friend FROM pairing WHERE account = ?",  # noqa: S608
        (account,),
    ).fetchall()
    live = [row for row in rows if row["expires_ms"] > now_ms]
    own = [row["texted_ms"] is not None for row in live if row["sender_id"] == sender_id]
    strangers = [row["sender_id"] for row in live if not row["friend"] and row["sender_id"] != sender_id]
    query = "SELECT sender_id FROM lapsed WHERE account = ? AND at_ms > ?"
    before = connection.execute(query, (account, now_ms - pairing.LAPSED_MS)).fetchall()
    lapsed = {row["sender_id"] for row in before}
    lapsed |= {row["sender_id"] for row in rows if row["expires_ms"] <= now_ms}
    (texts,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE account = ? AND turn IS NULL AND recipient <> ''"
        " AND created_ms > ?",
        (account, now_ms - pairing.TEXTS_WINDOW_MS),
    ).fetchone()
    query = (
        "SELECT 1 FROM rejected WHERE account = ? AND sender_id = ? AND (until_ms IS NULL OR until_ms > ?)"
    )
    is_rejected = exists(connection, query, account, sender_id, now_ms)
    query = "SELECT 1 FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?"
    return pairing.Requests(
        own_texted=own[0] if own else None,
        strangers=len(strangers),
        texts=texts,
        lapsed=len(lapsed.intersection(strangers)),
        own_lapsed=sender_id in lapsed,
        rejected=is_rejected,
        known_friend=exists(connection, query, account, sender_id),
    )


def _end_requests(tx: Tx) -> None:
    """End expired requests: their senders go behind others from now on. That and rejections end, too."""
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
        f" WHERE account = ? AND {_FRIEND} = 0 ORDER BY texted_ms IS NOT NULL, created_ms LIMIT 1",
        (tx.account,),
    ).fetchone()
    query = "DELETE FROM pairing WHERE account = ? AND sender_id = ?"
    tx.db.execute(query, (tx.account, row["sender_id"]))
    _is_over(tx, row["sender_id"], "somebody who never asked before went first")


def _is_over(tx: Tx, sender_id: str, reason: str) -> None:
    """A request is over: neither its challenge nor its alert has to leave any more."""
    _cancel_text(tx, sender_id, reason)
    alerts.withdraw(tx, AlertKind.PAIRING_REQUEST, sender_id)


def _cancel_text(tx: Tx, sender_id: str, reason: str) -> None:
    """Keep a challenge that has not left from leaving."""
    key = {"turn": None, "recipient": sender_id, "state": ChunkState.QUEUED}
    change(tx, "outbox", key, state=ChunkState.CANCELLED, settled_ms=tx.now_ms, reason=reason)


def knows_friend(tx: Tx, sender_id: str) -> bool | None:
    """Whether somebody who waits for the owner is a friend; None where that is not known."""
    query = "SELECT is_friend FROM pairing WHERE account = ? AND sender_id = ?"
    row = tx.db.execute(query, (tx.account, sender_id)).fetchone()
    if row is not None and row["is_friend"] is not None:
        return bool(row["is_friend"])
    query = "SELECT 1 FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?"
    return exists(tx.db, query, tx.account, sender_id) or None


def withdraw(tx: Tx, sender_id: str, reason: str) -> None:
    """Keep the challenge of a sender from leaving. The next one may be sent to them."""
    _cancel_text(tx, sender_id, reason)
    change(tx, "pairing", {"sender_id": sender_id}, texted_ms=None)


def hold_back(tx: Tx, sender_id: str, reason: str) -> None:
    """Keep the challenge of a sender from leaving, as if it had come at a time at which none is sent."""
    withdraw(tx, sender_id, reason)
    key = {"sender_id": sender_id, "reason": Reason.DM_PAIRING_REQUIRED}
    change(tx, "pairing", key, reason=Reason.DM_PAIRING_HELD)


def _record(tx: Tx, arrival: NewMessage, reason: Reason, friend: bool | None) -> Row:
    """Keep the request. Gives its code and when that expires.

    A new text extends the life of the code, so that what was sent can be approved for an hour.
    """
    code = pairing.new_code(secrets.choice)
    while exists(tx.db, "SELECT 1 FROM pairing WHERE code = ?", code):  # of any account
        code = pairing.new_code(secrets.choice)
    row: Row = tx.db.execute(
        "INSERT INTO pairing"
        " (account, sender_id, sender_name, code, reason, created_ms, expires_ms, texted_ms, is_friend)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, sender_id) DO UPDATE SET reason = excluded.reason,"
        " sender_name = excluded.sender_name,"
        " is_friend = coalesce(excluded.is_friend, pairing.is_friend),"
        " texted_ms = coalesce(excluded.texted_ms, pairing.texted_ms),"
        " expires_ms = CASE WHEN excluded.texted_ms IS NULL THEN pairing.expires_ms"
        "  ELSE excluded.expires_ms END RETURNING code, expires_ms",
        (
            tx.account,
            arrival.inbound.sender_id,
            storable(arrival.inbound.sender_name),
            code,
            reason,
            tx.now_ms,
            tx.now_ms + pairing.CODE_LIFE_MS,
            tx.now_ms if reason is Reason.DM_PAIRING_REQUIRED else None,
            friend,
        ),
    ).fetchone()
    return row


def open_requests(connection: Database, now_ms: int) -> list[PairingRequest]:
    """The requests that wait for the owner, over all accounts: friends first, then the oldest first.

    The times are by the clock as it is now. Setting it back does not extend the life of codes.
    """
    rows = connection.execute(
        "SELECT pairing.*, coalesce(last_seen_ms, 0) AS seen_ms, coalesce((SELECT state FROM outbox"
        "  WHERE outbox.account = pairing.account AND turn IS NULL AND recipient = sender_id"
        "  AND outbox.created_ms >= pairing.created_ms ORDER BY state = 'sent' DESC, id DESC LIMIT 1), '')"
        " AS code_state FROM pairing"
        " LEFT JOIN accounts ON accounts.account = pairing.account ORDER BY pairing.created_ms, sender_id"
    ).fetchall()
    friends = {account: members(connection, account, "") for account in {row["account"] for row in rows}}
    found = [
        value_of(
            PairingRequest,
            row,
            created_ms=row["created_ms"] - max(row["seen_ms"] - now_ms, 0),
            expires_ms=row["expires_ms"] - max(row["seen_ms"] - now_ms, 0),
            **_friendship(row, friends[row["account"]]),
        )
        for row in rows
        if row["expires_ms"] > max(row["seen_ms"], now_ms)
    ]
    return sorted(found, key=lambda one: not one.is_friend)


def _friendship(row: Row, friends: Sequence[Person]) -> dict[str, Any]:
    """What is known of somebody who waits, as the friends were last looked up.

    Whether they are a friend, and if not, the first friend whose name they bear.
    """
    told: dict[str, Any] = {"is_friend": None, "namesake_id": "", "namesake": ""}
    if row["is_friend"] or (row["is_friend"] is None and row["sender_id"] in {one.id for one in friends}):
        return {**told, "is_friend": True}
    told["is_friend"] = None if row["is_friend"] is None else False
    wanted = skeleton(row["sender_name"])
    for friend in friends if wanted else ():
        if friend.id != row["sender_id"] and wanted in map(skeleton, (friend.name, *friend.aliases)):
            return {**told, "namesake_id": friend.id, "namesake": friend.name}
    return told


_APPROVED = "SELECT account, sender_id, sender_name, approved_ms FROM approved"


def approved(connection: Database, account: str | None = None) -> list[Approved]:
    """The senders that the owner let in, on one account or on all, oldest first."""
    query = f"{_APPROVED} WHERE account = coalesce(?, account) ORDER BY approved_ms, account, sender_id"
    return [Approved(*row) for row in connection.execute(query, (account,))]


def used_code(connection: Database, code: str) -> Approved | None:
    """The sender that a code let in; None for a code that was not used."""
    row = connection.execute(f"{_APPROVED} WHERE code = ?", (code,)).fetchone()
    return Approved(*row) if row else None


def rejected(connection: Database, now_ms: int) -> list[Rejected]:
    """The senders that the owner turned away, over all accounts, the newest last."""
    rows = connection.execute(
        "SELECT account, sender_id, sender_name, rejected_ms, until_ms FROM rejected"
        " WHERE until_ms IS NULL OR until_ms > ? ORDER BY rejected_ms, account, sender_id",
        (now_ms,),
    )
    return [Rejected(*row) for row in rows]
