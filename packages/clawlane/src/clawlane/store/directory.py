"""Transitions and questions of the directory: who and what an account knew when it was last looked up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from clawlane.access.names import ConfigName, Match, NameList, Pin
from clawlane.access.outgoing import Acquaintance
from clawlane.messages import Group, Person, Thread, ThreadKind
from clawlane.store.codec import storable
from clawlane.store.rows import exists, put
from clawlane.store.sql import Database, Rows
from clawlane.store.transaction import Tx, lazy

_BELIEVED_TIMES = 3
_BELIEVED_MS = 60 * 60 * 1000
"""A doubtful list that was the same as often, over as long, is what is true now."""


_AT_ONCE = 400
"""Ids in one query."""


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
    """Replace the account's friends, unless the new list is doubted."""
    query = "SELECT count(*) FROM known_people WHERE account = ? AND group_id = ''"
    kept = _weigh(tx, Listing.PEERS, [one.id for one in people], query)
    if not kept.doubted:
        keep_members(tx, "", people)
    return kept


def keep_groups(tx: Tx, groups: Sequence[Group]) -> Kept:
    """Replace the account's groups and forget members of those that are gone, unless that is doubted."""
    query = "SELECT count(*) FROM known_groups WHERE account = ?"
    kept = _weigh(tx, Listing.GROUPS, [one.id for one in groups], query)
    if kept.doubted:
        return kept
    tx.db.execute("DELETE FROM known_groups WHERE account = ?", (tx.account,))
    for position, one in enumerate(groups):
        values = {"name": storable(one.name), "member_count": one.member_count, "position": position}
        put(tx, "known_groups", {"group_id": storable(one.id)}, **values)
    tx.db.execute(
        "DELETE FROM known_people WHERE account = ? AND group_id != ''"
        " AND group_id NOT IN (SELECT group_id FROM known_groups WHERE account = ?)",
        (tx.account, tx.account),
    )
    return kept


def _weigh(tx: Tx, listing: Listing, ids: Sequence[str], count: str) -> Kept:
    """Whether a new list can be believed. Records the look-up, or counts how often a doubtful list came."""
    before = int(tx.db.execute(count, (tx.account,)).fetchone()[0])
    if ids and 2 * len(set(ids)) >= before:
        tx.db.execute("DELETE FROM doubted WHERE account = ? AND listing = ?", (tx.account, listing))
    else:
        digest = hashlib.sha256(json.dumps(sorted(set(ids))).encode()).hexdigest()[:32]
        query = "SELECT digest, times, first_ms FROM doubted WHERE account = ? AND listing = ?"
        row = tx.db.execute(query, (tx.account, listing)).fetchone()
        again = row is not None and row["digest"] == digest and row["first_ms"] <= tx.now_ms
        times, first_ms = (row["times"] + 1, row["first_ms"]) if again else (1, tx.now_ms)
        put(tx, "doubted", {"listing": listing}, digest=digest, times=times, first_ms=first_ms)
        if times < _BELIEVED_TIMES or tx.now_ms - first_ms < _BELIEVED_MS:
            return Kept(True, before)
    put(tx, "lookups", {"listing": listing}, at_ms=tx.now_ms)
    return Kept(False, before)


def keep_members(tx: Tx, group_id: str, people: Sequence[Person]) -> None:
    """Replace the members of one group; the friends where `group_id` is empty. Writes what differs."""
    group_id = storable(group_id)
    # By id: a platform may name somebody twice.
    told = {storable(one.id): (storable(one.name), _aliases(one), one.is_friend) for one in people}
    rows = [(user_id, *values) for user_id, values in told.items()]
    if list(map(tuple, _member_rows(tx.db, tx.account, group_id))) == rows:
        return
    tx.db.execute("DELETE FROM known_people WHERE account = ? AND group_id = ?", (tx.account, group_id))
    tx.db.executemany(
        "INSERT INTO known_people (account, group_id, position, user_id, name, aliases, is_friend)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((tx.account, group_id, position, *row) for position, row in enumerate(rows)),
    )


def _aliases(one: Person) -> str:
    return json.dumps(one.aliases) if one.aliases else "[]"


def known(connection: Database, account: str) -> Known:
    """All of what was looked up last, in the platform's order."""
    lookups = connection.execute("SELECT listing, at_ms FROM lookups WHERE account = ?", (account,))
    times = dict(map(tuple, lookups))
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


def group_ids(connection: Database, account: str) -> frozenset[str]:
    """The ids that are known to be groups, and not people."""
    rows = connection.execute(
        "SELECT group_id FROM known_groups WHERE account = ? AND NOT EXISTS (SELECT 1 FROM known_people"
        " WHERE account = ? AND known_people.group_id = '' AND user_id = known_groups.group_id)",
        (account, account),
    )
    return frozenset(str(row[0]) for row in rows)


def names_of(connection: Database, account: str, ids: Collection[str]) -> dict[str, str]:
    """What the people and groups with these ids are called, as far as that is known."""
    found: dict[str, str] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = connection.execute(
            "SELECT user_id, name FROM known_people"  # noqa: S608 — question marks only
            f" WHERE account = ? AND group_id = '' AND user_id IN ({marks})"
            f" UNION ALL SELECT group_id, name FROM known_groups WHERE account = ? AND group_id IN ({marks})",
            (account, *some, account, *some),
        )
        found |= {id: name for id, name in rows if name}
    others = ((id, name_of(connection, account, id)) for id in wanted if id not in found)
    return found | {id: name for id, name in others if name}


def recent(tx: Tx, age_ms: int) -> Known:
    """What was looked up last. The times are None for what is older than `age_ms`."""
    found = known(tx.db, tx.account)

    def still(ms: int | None) -> int | None:
        return ms if ms is not None and 0 <= tx.now_ms - ms <= age_ms else None

    return replace(found, peers_ms=still(found.peers_ms), groups_ms=still(found.groups_ms))


def acquaintance(tx: Tx, thread: Thread) -> Acquaintance:
    """What is known of a thread, for the rules about whom the account may write to."""
    if thread.kind is ThreadKind.GROUP:
        query = "SELECT 1 FROM known_groups WHERE account = ? AND group_id = ?"
        return Acquaintance(member=exists(tx.db, query, tx.account, thread.id))
    rejected = (
        "SELECT 1 FROM rejected WHERE account = ? AND sender_id = ? AND (until_ms IS NULL OR until_ms > ?)"
    )
    return Acquaintance(
        friend=is_friend(tx, thread.id),
        rejected=exists(tx.db, rejected, tx.account, thread.id, tx.now_ms),
    )


@lazy
def is_friend(tx: Tx, user_id: str) -> bool:
    """Whether the platform listed somebody as a friend."""
    return friend(tx, user_id).fetchone() is not None


def friend(tx: Tx, user_id: str) -> Rows:
    """A row where the platform listed somebody as a friend."""
    query = "SELECT 1 FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?"
    return tx.db.execute(query, (tx.account, storable(user_id)))


def members(connection: Database, account: str, group_id: str) -> tuple[Person, ...]:
    """The members of a group as they were looked up last; the friends where `group_id` is empty."""
    return tuple(
        Person(user_id, name, tuple(json.loads(aliases)), None if is_friend is None else bool(is_friend))
        for user_id, name, aliases, is_friend in _member_rows(connection, account, group_id)
    )


def _member_rows(connection: Database, account: str, group_id: str) -> Rows:
    return connection.execute(
        "SELECT user_id, name, aliases, is_friend FROM known_people WHERE account = ? AND group_id = ?"
        " ORDER BY position",
        (account, group_id),
    )


@lazy
def members_of(tx: Tx, group_id: str) -> tuple[Person, ...]:
    """The members of a group as they were looked up last."""
    return members(tx.db, tx.account, storable(group_id))


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A completed look-up. `names` are what those of `pin.ids` were called then, in the same order."""

    pin: Pin
    names: tuple[str, ...]


def keep_pins(tx: Tx, looked_up: Sequence[LookedUp]) -> None:
    """Record completed look-ups. They replace older ones of the same names."""
    query = "SELECT coalesce(max(position), 0) AS last FROM pins WHERE account = ?"
    first = tx.db.execute(query, (tx.account,)).fetchone()["last"] + 1
    for position, one in enumerate(looked_up, first):
        pin = one.pin
        candidates = [(storable(id), storable(name)) for id, name in zip(pin.ids, one.names, strict=True)]
        put(
            tx,
            "pins",
            {"list": pin.name.where, "in_group": pin.name.group, "entry": pin.name.entry},
            found=pin.state,
            candidates=json.dumps(candidates),
            found_by=pin.match,
            at_ms=pin.at_ms,
            position=position,
        )


def forget_pins(tx: Tx, names: Iterable[ConfigName]) -> None:
    """Remove names that have left the config, or that are to be looked up again."""
    tx.db.executemany(
        "DELETE FROM pins WHERE account = ? AND list = ? AND in_group = ? AND entry = ?",
        [(tx.account, name.where, name.group, name.entry) for name in names],
    )


def of_account(connection: Database, account: str) -> list[LookedUp]:
    """Every completed look-up of an account."""
    rows = connection.execute(
        "SELECT list, in_group, entry, candidates, found_by, at_ms FROM pins WHERE account = ?"
        " ORDER BY position, list, in_group, entry",
        (account,),
    )
    found = []
    for where, group, entry, candidates, match, at_ms in rows:
        told = json.loads(candidates)
        name = ConfigName(NameList(where), entry, group)
        pin = Pin(name, tuple(id for id, _ in told), Match(match), at_ms)
        found.append(LookedUp(pin, tuple(name for _, name in told)))
    return found


_NAMES = (
    "SELECT name FROM known_people WHERE account = ? AND group_id = '' AND user_id = ?",
    "SELECT sender_name FROM pairing WHERE account = ? AND sender_id = ?",
    "SELECT sender_name FROM approved WHERE account = ? AND sender_id = ?",
    "SELECT known_people.name FROM known_groups JOIN known_people USING (account, group_id)"
    " WHERE known_groups.account = ? AND user_id = ? AND known_people.name <> '' LIMIT 1",
    "SELECT sender_name FROM rejected WHERE account = ? AND sender_id = ?",
)


def name_of(connection: Database, account: str, user_id: str) -> str:
    """What a person is called: as a friend, in pairing, or as a member of a group. Empty if nobody knows."""
    for query in _NAMES:
        row = connection.execute(query, (account, user_id)).fetchone()
        if row and row[0]:
            return str(row[0])
    return ""


def group_name(connection: Database, account: str, thread: Thread) -> str:
    """What a group is called; empty for a direct message, and where nobody knows."""
    if thread.kind is not ThreadKind.GROUP:
        return ""
    query = "SELECT name FROM known_groups WHERE account = ? AND group_id = ?"
    row = connection.execute(query, (account, thread.id)).fetchone()
    return str(row[0]) if row else ""


def thread_name(connection: Database, account: str, thread: Thread) -> str:
    """What a group is called, or the other person of a direct chat, also as they write themselves.

    Empty if nobody knows.
    """
    if thread.kind is ThreadKind.GROUP:
        return group_name(connection, account, thread)
    return name_of(connection, account, thread.id) or _as_sender(connection, account, thread)


_NEWEST_BODIES = (
    "SELECT body FROM messages WHERE account = ? AND thread_kind = ? AND thread_id = ?"
    " ORDER BY seq DESC LIMIT 20"
)


def _as_sender(connection: Database, account: str, thread: Thread) -> str:
    """The name beside the newest message of a direct chat whose text is kept."""
    bodies = connection.execute(_NEWEST_BODIES, (account, thread.kind, thread.id))
    return next((str(json.loads(body)["name"]) for (body,) in bodies if body), "")
