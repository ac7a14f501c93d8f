"""Transitions of pinning: what the one look-up of each name in the config came to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clawlane.store.codec import storable


class NameList(StrEnum):
    """The lists of the config that may hold names. The values are the keys as the config writes them."""

    ALLOW_FROM = "allowFrom"
    GROUP_ALLOW_FROM = "groupAllowFrom"
    GROUPS = "groups"


class Found(StrEnum):
    """What a look-up came to. All three are final until the entry is edited or `doctor --fix` asks anew."""

    ONE = "one"
    NONE = "none"
    SEVERAL = "several"


class By(StrEnum):
    """What a pinned name was found by."""

    NAME = "name"
    ALIAS = "alias"
    SLUG = "slug"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody, or a group, that has the name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The completed look-up of one name: `candidates` is who has it, one of them when it is pinned."""

    list: NameList
    entry: str
    found: Found
    candidates: tuple[Candidate, ...]
    by: By | None
    at_ms: int

    @property
    def pinned_id(self) -> str:
        """The id the name stands for, or nothing."""
        return self.candidates[0].id if self.found is Found.ONE else ""


Key = tuple[NameList, str]
"""A name in a list."""


def keep(connection: sqlite3.Connection, account: str, looked_up: Sequence[LookedUp]) -> None:
    """Record completed look-ups, in the place of older ones of the same names."""
    connection.executemany(
        "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (account, one.list, one.entry, one.found, _json(one.candidates), one.by, one.at_ms)
            for one in looked_up
        ],
    )


def forget(connection: sqlite3.Connection, account: str, keys: Iterable[Key]) -> None:
    """Remove the names that have left the config, or that are to be looked up anew."""
    connection.executemany(
        "DELETE FROM pins WHERE account = ? AND list = ? AND entry = ?",
        [(account, name_list, entry) for name_list, entry in keys],
    )


def of_account(connection: sqlite3.Connection, account: str) -> list[LookedUp]:
    """Every completed look-up of an account."""
    rows = connection.execute(
        "SELECT list, entry, found, candidates, found_by, at_ms FROM pins WHERE account = ? ORDER BY rowid",
        (account,),
    )
    return [_looked_up(*row) for row in rows]


def _looked_up(
    name_list: str, entry: str, found: str, candidates: str, by: str | None, at_ms: int
) -> LookedUp:
    people = tuple(Candidate(*one) for one in json.loads(candidates))
    return LookedUp(NameList(name_list), entry, Found(found), people, By(by) if by else None, at_ms)


def _json(candidates: Sequence[Candidate]) -> str:
    return json.dumps([(storable(one.id), storable(one.name)) for one in candidates])
