"""Rows of one table after the other, a page at a time, and what stands for all of them: a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from clawlane.store.moving.tables import Table
from clawlane.store.sql import Database

_PAGE = 500
_MODULUS = 1 << 256

Row = tuple[Any, ...]


class Summary(msgspec.Struct, frozen=True):
    """What a table holds: how many rows, and a digest that does not depend on their order.

    `changed` is how many texts have a NUL, which PostgreSQL does not take: U+FFFD stands for each.
    """

    rows: int
    digest: str
    changed: int = 0


def pages(db: Database, table: Table, after: Sequence[int | str] = ()) -> Iterator[list[Row]]:
    """The rows of a table by their key, as both engines hold them; those after a key, if one is given."""
    while True:
        found = [tuple(row) for row in db.execute(table.page(first=not after), (*after, _PAGE))]
        if not found:
            return
        yield found
        after = table.key_of(found[-1])


def held(row: Row) -> Row:
    """A row as both engines can hold it."""
    return tuple(one.replace("\0", "\ufffd") if isinstance(one, str) and "\0" in one else one for one in row)


def summary(db: Database, table: Table, told: Callable[[int], None]) -> Summary:
    """What a table holds. `told` is called with the number of rows of each page."""
    rows = total = changed = 0
    encode = msgspec.msgpack.Encoder().encode
    for page in pages(db, table):
        for row in page:
            kept = held(row)
            if kept != row:
                changed += sum(one != other for one, other in zip(row, kept, strict=True))
            total += int.from_bytes(hashlib.sha256(encode(kept)).digest(), "big")
        rows += len(page)
        told(len(page))
    return Summary(rows, f"{total % _MODULUS:064x}", changed)
