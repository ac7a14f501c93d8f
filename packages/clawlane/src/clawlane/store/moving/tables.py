"""What is moved: every table of the store, with its columns and key as this version has them."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from graphlib import TopologicalSorter

import msgspec

from clawlane.store.sql import Database
from clawlane.store.sqlite.connection import connect_nothing

APART = frozenset(
    ("migrations", "numbers", "properties", "nodes", "node_requests", "node_steps", "profile_records")
)
"""Each engine has its own migrations, and its own way of giving out numbers; properties name the store. Nodes
and what they ask each other are of one database, and sessions are files beside the one engine and rows of the
other.
"""

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
_LATER = (("audit_log", "audit_anchors"),)
"""A guard of the first looks at the second."""


class Table(msgspec.Struct, frozen=True):
    """One table. Columns of the `key` come in its order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def page(self, *, first: bool) -> str:
        """The query for rows by their key: the first `?`, or those after the key that comes before that."""
        key = ", ".join(self.key)
        behind = "" if first else f" WHERE ({key}) > ({', '.join('?' * len(self.key))})"
        return f"SELECT {', '.join(self.columns)} FROM {self.name}{behind} ORDER BY {key} LIMIT ?"  # noqa: S608

    def key_of(self, row: tuple[object, ...]) -> list[int | str]:
        """The key of a row."""
        return [row[self.columns.index(name)] for name in self.key]  # type: ignore[misc]


@cache
def tables() -> tuple[Table, ...]:
    """All that are moved, each after those that it refers to."""
    with closing(connect_nothing()) as db:
        found = {row["name"]: _table(db, row["name"]) for row in db.execute(_TABLES)}
        order = TopologicalSorter({name: _references(db, name) for name in found})
        for name, other in _LATER:
            order.add(name, other)
        return tuple(found[name] for name in order.static_order() if name not in APART)


def _table(db: Database, name: str) -> Table:
    columns = db.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((one for one in columns if one["pk"]), key=lambda one: int(one["pk"]))
    return Table(name, tuple(one["name"] for one in columns), tuple(one["name"] for one in key))


def _references(db: Database, name: str) -> list[str]:
    return sorted({row["table"] for row in db.execute(f"PRAGMA foreign_key_list({name})")})
