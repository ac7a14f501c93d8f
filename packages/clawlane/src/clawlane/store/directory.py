"""Transitions and questions of the directory: who and what an account knew when it was last looked up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.abilities import Group, Person
from clawlane.store.codec import storable


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


def keep_peers(connection: sqlite3.Connection, account: str, people: Sequence[Person], now_ms: int) -> None:
    """The account's friends, in the place of those known before."""
    _replace_people(connection, account, "", people)
    _stamp(connection, account, Listing.PEERS, now_ms)


def keep_groups(connection: sqlite3.Connection, account: str, groups: Sequence[Group], now_ms: int) -> None:
    """The account's groups, in the place of those known before; members of groups that are gone go too."""
    connection.execute("DELETE FROM known_groups WHERE account = ?", (account,))
    rows = [(account, storable(one.id), storable(one.name), one.member_count) for one in groups]
    connection.executemany("INSERT OR REPLACE INTO known_groups VALUES (?, ?, ?, ?)", rows)
    connection.execute(
        "DELETE FROM known_people WHERE account = ? AND group_id != ''"
        " AND group_id NOT IN (SELECT group_id FROM known_groups WHERE account = ?)",
        (account, account),
    )
    _stamp(connection, account, Listing.GROUPS, now_ms)


def keep_members(
    connection: sqlite3.Connection, account: str, group_id: str, people: Sequence[Person]
) -> None:
    """The members of one group, in the place of those known before."""
    _replace_people(connection, account, storable(group_id), people)


def known(connection: sqlite3.Connection, account: str) -> Known:
    """All of what was looked up last, in the platform's order."""
    times = dict(
        map(tuple, connection.execute("SELECT listing, at_ms FROM lookups WHERE account = ?", (account,)))
    )
    groups = connection.execute(
        "SELECT group_id, name, member_count FROM known_groups WHERE account = ? ORDER BY rowid", (account,)
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
        " ORDER BY rowid",
        (account, group_id),
    )
    return tuple(_person(*row) for row in rows)


def _person(user_id: str, name: str, aliases: str, is_friend: int | None) -> Person:
    return Person(user_id, name, tuple(json.loads(aliases)), None if is_friend is None else bool(is_friend))


def _replace_people(
    connection: sqlite3.Connection, account: str, group_id: str, people: Iterable[Person]
) -> None:
    connection.execute("DELETE FROM known_people WHERE account = ? AND group_id = ?", (account, group_id))
    rows = [
        (account, group_id, storable(one.id), storable(one.name), json.dumps(one.aliases), one.is_friend)
        for one in people
    ]
    connection.executemany("INSERT OR REPLACE INTO known_people VALUES (?, ?, ?, ?, ?, ?)", rows)


def _stamp(connection: sqlite3.Connection, account: str, listing: Listing, now_ms: int) -> None:
    connection.execute("INSERT OR REPLACE INTO lookups VALUES (?, ?, ?)", (account, listing, now_ms))
