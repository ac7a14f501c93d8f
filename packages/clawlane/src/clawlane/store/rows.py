"""Rows and values: the statements that every table shares, and rows as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from clawlane.store.sql import Database, Row, Rows
from clawlane.store.transaction import Tx

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def insert(tx: Tx, table: str, **values: object) -> None:
    """Add a row of the account. It must be new."""
    tx.db.execute(_insert(table, tuple(values)), (tx.account, *values.values()))


def put(tx: Tx, table: str, key: Mapping[str, object], **values: object) -> None:
    """Add a row of the account, or change the one that has this key."""
    query = _put(table, tuple(key), tuple(values))
    tx.db.execute(query, (tx.account, *key.values(), *values.values()))


def change(tx: Tx, table: str, key: Mapping[str, object], **values: object) -> Rows:
    """Change the rows of the account with these values (None: without one)."""
    where = tuple(f"{name} IS NULL" if value is None else f"{name} = ?" for name, value in key.items())
    told = [value for value in key.values() if value is not None]
    query = _change(table, where, tuple(values))
    return tx.db.execute(query, (*values.values(), tx.account, *told))


def exists(db: Database, query: str, *values: object) -> bool:
    """Whether a query finds anything."""
    return db.execute(query, values).fetchone() is not None


def value_of(kind: type[T], row: Row, /, **given: Any) -> T:
    """A dataclass whose fields are the columns of the same names, but for those that are given."""
    names = (field.name for field in fields(kind))
    columns = {name: row[name] for name in names if name not in given}
    return kind(**columns, **given)


def of_accounts(connection: Database, query: str, *values: object) -> list[Row]:
    """The rows of every account. The query takes an account first: every index begins with it."""
    accounts = connection.execute("SELECT account FROM accounts").fetchall()
    return [row for found in accounts for row in connection.execute(query, (found["account"], *values))]


@cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    places = ", ".join("?" * (len(columns) + 1))
    return f"INSERT INTO {table} (account, {', '.join(columns)}) VALUES ({places})"  # noqa: S608 — our own names


@cache
def _put(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    told = ", ".join(f"{name} = excluded.{name}" for name in columns)
    insert = _insert(table, (*key, *columns))
    return f"{insert} ON CONFLICT ({', '.join(('account', *key))}) DO UPDATE SET {told}"


@cache
def _change(table: str, where: tuple[str, ...], columns: tuple[str, ...]) -> str:
    told = ", ".join(f"{name} = ?" for name in columns)
    return f"UPDATE {table} SET {told} WHERE {' AND '.join(('account = ?', *where))}"  # noqa: S608
