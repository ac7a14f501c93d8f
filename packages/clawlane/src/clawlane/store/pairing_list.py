"""Questions about pairing: who waits for the owner, and whom the owner turned away."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from clawlane.abilities import Person
from clawlane.access.pairing import look
from clawlane.store.directory import members
from clawlane.store.records import PairingRequest, Rejected

_REQUESTS = (
    "SELECT pairing.account, sender_id, sender_name, code, reason, created_ms, expires_ms, is_friend,"
    " max(coalesce(last_seen_ms, 0) - :now, 0) AS behind_ms"
    " FROM pairing LEFT JOIN accounts ON accounts.account = pairing.account"
    " WHERE expires_ms > max(coalesce(last_seen_ms, 0), :now) ORDER BY created_ms, sender_id"
)
"""A clock that was set back since the last change of an account is `behind`; codes live no longer for it."""


def requests(connection: sqlite3.Connection, now_ms: int) -> list[PairingRequest]:
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
    wanted = look(one.sender_name)
    for friend in friends if wanted else ():
        if friend.id != one.sender_id and wanted in map(look, (friend.name, *friend.aliases)):
            return friend
    return None


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
