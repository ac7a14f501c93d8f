"""Statements and values of the store as psycopg takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import Loader

from clawlane.store.sql import Values

_HOLE = re.compile(r"'(?:[^']|'')*'|::|\?|:[a-z_]\w*|%")
_AS_BYTES = re.compile(r"\bCAST\((\w+) AS BLOB\)")


@cache
def translated(statement: str) -> str:
    """A statement of the store as psycopg takes it. Texts need not be asked for as bytes: they are texts."""

    def filled(hole: re.Match[str]) -> str:
        found = hole[0]
        if found == "?":
            return "%s"
        named = found[0] == ":" and found != "::"
        return f"%({found[1:]})s" if named else found.replace("%", "%%")

    return _HOLE.sub(filled, _AS_BYTES.sub(r"\1", statement))


def plain(values: Values) -> dict[str, Any] | list[Any]:
    """Values as they are stored."""
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    """A value as it is stored: flags are numbers, and no text has a NUL, which PostgreSQL does not take."""
    if isinstance(value, str):
        return str.__str__(value).replace("\0", "\ufffd")
    return int(value) if isinstance(value, int) else value


class NumberLoader(Loader):
    """Sums of whole numbers are whole numbers."""

    def load(self, data: Buffer) -> int | float:
        told = bytes(data)
        return int(told) if told.lstrip(b"-").isdigit() else float(told)
