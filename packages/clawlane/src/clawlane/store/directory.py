"""Transitions and questions of the directory: who and what an account knew when it was last looked up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.abilities import Group, Person
from clawlane.store.codec import storable
from clawlane.store.transaction import Tx


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


def keep_peers(tx: Tx, people: Sequence[Person]) -> None:
    """The account's friends, in the place of those known before."""
    _replace_people(tx, "", people)
    _stamp(tx, Listing.PEERS)


def keep_groups(tx: Tx, groups: Sequence[Group]) -> None:
    """The account's groups, in the place of those known before; members of groups that are gone go too."""
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
    _stamp(tx, Listing.GROUPS)


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
