"""Transitions and questions of the directory: who and what an account knew when it was last looked up."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.access.names import ConfigName, Match, NameList, Pin
from clawlane.messages import Group, Person, Thread, ThreadKind
from clawlane.store.codec import storable
from clawlane.store.transaction import Tx

_BELIEVED_TIMES = 3
_BELIEVED_MS = 60 * 60 * 1000
"""A doubtful list that was the same as often, over as long, is what is true now."""


class Listing(StrEnum):
    """What can be looked up as a whole."""

    PEERS = "peers"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of one account's people and groups.

    The times say when each was looked up, None for never.
    """

    peers: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    peers_ms: int | None = None
    groups_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether a list was kept as a completed look-up.

    It is `doubted` when it is empty, or has less than half of the `before` that were known: platforms answer
    like that when something is wrong. The same list is believed once it was seen three times over an hour.
    """

    doubted: bool
    before: int


def keep_peers(tx: Tx, people: Sequence[Person]) -> Kept:
    """The account's friends, in the place of those known before; nothing changes if that is doubted."""
    query = "SELECT count(*) FROM known_people WHERE account = ? AND group_id = ''"
    kept = _weigh(tx, Listing.PEERS, [one.id for one in people], query)
    if not kept.doubted:
        _replace_people(tx, "", people)
        _stamp(tx, Listing.PEERS)
    return kept


def keep_groups(tx: Tx, groups: Sequence[Group]) -> Kept:
    """The account's groups, in the place of those known before; nothing changes if that is doubted.

    Members of groups that are gone go too.
    """
    query = "SELECT count(*) FROM known_groups WHERE account = ?"
    kept = _weigh(tx, Listing.GROUPS, [one.id for one in groups], query)
    if not kept.doubted:
        _replace_groups(tx, groups)
        _stamp(tx, Listing.GROUPS)
    return kept


def _weigh(tx: Tx, listing: Listing, ids: Sequence[str], count: str) -> Kept:
    """Whether a list can be believed, counting how often a doubtful one was the same."""
    before = int(tx.db.execute(count, (tx.account,)).fetchone()[0])
    if ids and 2 * len(set(ids)) >= before:
        _forget_doubt(tx, listing)
        return Kept(False, before)
    digest = hashlib.sha256(json.dumps(sorted(set(ids))).encode()).hexdigest()[:32]
    row = tx.db.execute(
        "INSERT INTO doubted (account, listing, digest, times, first_ms)"
        " VALUES (:account, :list, :digest, 1, :now)"
        " ON CONFLICT (account, listing) DO UPDATE SET"
        " times = iif(digest = :digest AND first_ms <= :now, times + 1, 1),"
        " first_ms = iif(digest = :digest AND first_ms <= :now, first_ms, :now), digest = :digest"
        " RETURNING times, first_ms",
        {"account": tx.account, "list": listing, "digest": digest, "now": tx.now_ms},
    ).fetchone()
    if row["times"] < _BELIEVED_TIMES or tx.now_ms - row["first_ms"] < _BELIEVED_MS:
        return Kept(True, before)
    return Kept(False, before)


def _forget_doubt(tx: Tx, listing: Listing) -> None:
    tx.db.execute("DELETE FROM doubted WHERE account = ? AND listing = ?", (tx.account, listing))


def _replace_groups(tx: Tx, groups: Sequence[Group]) -> None:
    tx.db.execute("DELETE FROM known_groups WHERE account = ?", (tx.account,))
    rows = [
        (tx.account, storable(one.id), storable(one.name), one.member_count, position)
        for position, one in enumerate(groups)
    ]
    tx.db.executemany(
        "INSERT INTO known_groups VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, group_id) DO UPDATE SET"
        " name = excluded.name, member_count = excluded.member_count, position = excluded.position",
        rows,
    )
    tx.db.execute(
        "DELETE FROM known_people WHERE account = ? AND group_id != ''"
        " AND group_id NOT IN (SELECT group_id FROM known_groups WHERE account = ?)",
        (tx.account, tx.account),
    )


def keep_members(tx: Tx, group_id: str, people: Sequence[Person]) -> None:
    """The members of one group, in the place of those known before."""
    _replace_people(tx, storable(group_id), people)


def known(connection: sqlite3.Connection, account: str) -> Known:
    """All of what was looked up last, in the platform's order."""
    times = dict(
        map(tuple, connection.execute("SELECT listing, at_ms FROM lookups WHERE account = ?", (account,)))
    )
    groups = connection.execute(
        "SELECT group_id, name, member_count FROM known_groups WHERE account = ? ORDER BY position",
        (account,),
    )
    return Known(
        peers=members(connection, account, ""),
        groups=tuple(Group(*row) for row in groups),
        peers_ms=times.get(Listing.PEERS),
        groups_ms=times.get(Listing.GROUPS),
    )


def members(connection: sqlite3.Connection, account: str, group_id: str) -> tuple[Person, ...]:
    """The members of a group as they were looked up last; the friends where `group_id` is empty."""
    rows = connection.execute(
        "SELECT user_id, name, aliases, is_friend FROM known_people WHERE account = ? AND group_id = ?"
        " ORDER BY position",
        (account, group_id),
    )
    return tuple(_person(*row) for row in rows)


def _person(user_id: str, name: str, aliases: str, is_friend: int | None) -> Person:
    return Person(user_id, name, tuple(json.loads(aliases)), None if is_friend is None else bool(is_friend))


def _replace_people(tx: Tx, group_id: str, people: Iterable[Person]) -> None:
    tx.db.execute("DELETE FROM known_people WHERE account = ? AND group_id = ?", (tx.account, group_id))
    rows = [
        (
            tx.account,
            group_id,
            storable(one.id),
            storable(one.name),
            json.dumps(one.aliases),
            one.is_friend,
            position,
        )
        for position, one in enumerate(people)
    ]
    tx.db.executemany(
        "INSERT INTO known_people VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account, group_id, user_id) DO UPDATE SET name = excluded.name,"
        " aliases = excluded.aliases, is_friend = excluded.is_friend, position = excluded.position",
        rows,
    )


def _stamp(tx: Tx, listing: Listing) -> None:
    tx.db.execute(
        "INSERT INTO lookups VALUES (?, ?, ?)"
        " ON CONFLICT (account, listing) DO UPDATE SET at_ms = excluded.at_ms",
        (tx.account, listing, tx.now_ms),
    )


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A completed look-up. `names` are what those of `pin.ids` were called then, in the same order."""

    pin: Pin
    names: tuple[str, ...]


def keep_pins(tx: Tx, looked_up: Sequence[LookedUp]) -> None:
    """Record completed look-ups, in the place of older ones of the same names."""
    query = "SELECT coalesce(max(position), 0) AS last FROM pins WHERE account = ?"
    first = tx.db.execute(query, (tx.account,)).fetchone()["last"] + 1
    tx.db.executemany(
        "INSERT INTO pins (account, list, entry, found, candidates, found_by, at_ms, position)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, list, entry) DO UPDATE SET"
        " found = excluded.found, candidates = excluded.candidates, found_by = excluded.found_by,"
        " at_ms = excluded.at_ms, position = excluded.position",
        [(*_row(tx.account, one), position) for position, one in enumerate(looked_up, first)],
    )


def forget_pins(tx: Tx, names: Iterable[ConfigName]) -> None:
    """Remove the names that have left the config, or that are to be looked up anew."""
    tx.db.executemany(
        "DELETE FROM pins WHERE account = ? AND list = ? AND entry = ?",
        [(tx.account, name.where, name.entry) for name in names],
    )


def of_account(connection: sqlite3.Connection, account: str) -> list[LookedUp]:
    """Every completed look-up of an account."""
    rows = connection.execute(
        "SELECT list, entry, candidates, found_by, at_ms FROM pins WHERE account = ?"
        " ORDER BY position, list, entry",
        (account,),
    )
    return [_looked_up(*row) for row in rows]


def _row(account: str, one: LookedUp) -> tuple[object, ...]:
    pin = one.pin
    candidates = [(storable(id), storable(name)) for id, name in zip(pin.ids, one.names, strict=True)]
    return (
        account,
        pin.name.where,
        pin.name.entry,
        pin.state,
        json.dumps(candidates),
        pin.match,
        pin.at_ms,
    )


def _looked_up(where: str, entry: str, candidates: str, match: str, at_ms: int) -> LookedUp:
    told = json.loads(candidates)
    name = ConfigName(NameList(where), entry)
    pin = Pin(name, tuple(id for id, _ in told), Match(match), at_ms)
    return LookedUp(pin, tuple(called for _, called in told))


_NAMES = (
    "SELECT name FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?",
    "SELECT sender_name FROM pairing WHERE account = ? AND sender_id = ?",
    "SELECT sender_name FROM approved WHERE account = ? AND sender_id = ?",
    "SELECT known_people.name FROM known_groups CROSS JOIN known_people USING (account, group_id)"
    " WHERE known_groups.account = ? AND user_id = ? AND known_people.name <> '' LIMIT 1",
)


def name_of(connection: sqlite3.Connection, account: str, user_id: str) -> str:
    """What a person is called: as a friend, in pairing, or as a member of a group. Empty if nobody knows."""
    for query in _NAMES:
        row = connection.execute(query, (account, user_id)).fetchone()
        if row and row[0]:
            return str(row[0])
    return ""


def group_name(connection: sqlite3.Connection, account: str, thread: Thread) -> str:
    """What a group is called; empty for a direct message, and where nobody knows."""
    if thread.kind is not ThreadKind.GROUP:
        return ""
    query = "SELECT name FROM known_groups WHERE account = ? AND group_id = ?"
    row = connection.execute(query, (account, thread.id)).fetchone()
    return str(row[0]) if row else ""
