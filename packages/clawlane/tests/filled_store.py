"""A store with rows in every table, whatever they mean: for what is done with all of them alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packages.clawlane.tests.opened_store import NOW

from clawlane.store.moving.places import Source, Target
from clawlane.store.moving.tables import Table, tables
from clawlane.store.postgres import moving as in_database
from clawlane.store.postgres.connection import Connection
from clawlane.store.postgres.opening import Address
from clawlane.store.sql import Database
from clawlane.store.sqlite import moving as in_file
from clawlane.store.sqlite.connection import connect_nothing, connect_writer

ACCOUNTS = ("zalouser/default", "zalouser/shop")
LAST = {"message": 40, "chunk": 17, "alarm": 3, "event": 1234}
"""The numbers that were given out last."""


def types_of() -> dict[tuple[str, str], tuple[str, bool]]:
    """The type of each column, and whether it may be null."""
    with closing(connect_nothing()) as db:
        return {
            (table.name, row["name"]): (row["type"], not (row["notnull"] or row["pk"]))
            for table in tables()
            for row in db.execute(f"PRAGMA table_info({table.name})")
        }


def fill(db: Database, rows: int = 3, text: str = "chữ") -> None:
    """Put rows into every table of an empty store, and set the numbers."""
    types = types_of()
    for table in tables():
        holes = ", ".join("?" * len(table.columns))
        insert = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({holes})"
        for of in ACCOUNTS if "account" in table.columns else ("",):
            for n in range(1, (rows if table.key != ("account",) else 1) + 1):
                db.execute(insert, [_value(types, table, name, of, n, text) for name in table.columns])
    for name, last in LAST.items():
        db.execute("UPDATE numbers SET last = ? WHERE name = ?", (last, name))


def _value(types: Any, table: Table, column: str, account: str, n: int, text: str) -> object:
    type_, nullable = types[table.name, column]
    if column == "account":
        return account
    if nullable and n % 3 == 0:
        return None
    if column == "labels":
        return "{}"
    if table.name == "audit_anchors" and column == "number":
        return 0  # the record begins behind it
    values = {"INTEGER": n, "REAL": n / 7, "BLOB": bytes([n % 256, 0, 255]) * 11}
    return values.get(type_, f"{text} {column} {account} {n}")


@dataclass(frozen=True)
class InFile:
    """A store in a file."""

    path: Path

    @contextmanager
    def filled(self, rows: int = 3, text: str = "chữ") -> Iterator[Database]:
        with closing(connect_writer(self.path, NOW)) as db:
            fill(db, rows, text)
            yield db

    @contextmanager
    def leaving(self) -> Iterator[Source]:
        with in_file.leaving(self.path, NOW) as source:
            yield source

    @contextmanager
    def arriving(self, of: str) -> Iterator[Target]:
        with in_file.arriving(self.path, of, NOW) as target:
            yield target


@dataclass(frozen=True)
class InDatabase:
    """A store in a database."""

    place: Address

    @contextmanager
    def opened(self) -> Iterator[Database]:
        with closing(Connection(self.place.connect(), at_once=True)) as db:
            yield db

    @contextmanager
    def leaving(self) -> Iterator[Source]:
        with in_database.leaving(self.place, NOW) as source:
            yield source

    @contextmanager
    def arriving(self, _of: str) -> Iterator[Target]:
        with in_database.arriving(self.place, NOW) as target:
            yield target
