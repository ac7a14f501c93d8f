"""What the server says to statements that were sent together: rows by name or by place, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg import pq


class Row:
    """A row, whose columns are found by name or by place."""

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: Mapping[str, int]) -> None:
        self._values = values
        self._places = places

    def __getitem__(self, column: Any) -> Any:
        return self._values[self._places[column] if isinstance(column, str) else column]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The names of the columns."""
        return list(self._places)


class Answer:
    """What a statement gives. Whoever wants to know has `settle` send it, with all that waits."""

    __slots__ = ("_count", "_error", "_rows", "_settle", "text")

    def __init__(self, text: str, settle: Callable[[], None]) -> None:
        self.text = text
        self._settle = settle
        self._count = -1
        self._rows: Iterator[Row] | None = None
        self._error: psycopg.Error | None = None

    @property
    def rowcount(self) -> int:
        """How many rows it changed or found."""
        self._known()
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return self._known()

    def fetchone(self) -> Row | None:
        """The next row."""
        return next(self._known(), None)

    def fetchall(self) -> list[Row]:
        """The rows that are left."""
        return list(self._known())

    def take(self, cursor: psycopg.Cursor[Any]) -> None:
        """It is the present result of a cursor."""
        result = cursor.pgresult
        self._count, self._rows, self.text = cursor.rowcount, iter(()), ""
        if result is not None and result.status == pq.ExecStatus.TUPLES_OK:
            places = _places(tuple(result.fname(place) or b"" for place in range(result.nfields)))
            self._rows = iter([Row(values, places) for values in cursor.fetchall()])

    def fail(self, error: psycopg.Error) -> None:
        """It went to the server together with a statement that failed, or never arrived."""
        self._error = error

    def _known(self) -> Iterator[Row]:
        if self._rows is None and self._error is None:
            self._settle()
        if self._error is not None:
            raise self._error
        if self._rows is None:
            raise psycopg.ProgrammingError("a statement was undone before it was carried out")
        return self._rows


@cache
def _places(names: tuple[bytes, ...]) -> dict[str, int]:
    return {name.decode(): place for place, name in enumerate(names)}
