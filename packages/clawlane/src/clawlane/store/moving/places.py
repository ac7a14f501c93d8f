"""What a move needs of the store that it leaves and of the one that it makes.

The rooms of the engines have one of each: `sqlite.moving` and `postgres.moving`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from clawlane.store.moving.tables import Table
from clawlane.store.sql import Database

NUMBERS = ("message", "chunk", "alarm", "event")
"""What is numbered over all accounts."""


class Source(Protocol):
    """A store that nobody changes meanwhile, or as it was at one moment."""

    @property
    def where(self) -> str:
        """In words for people."""

    @property
    def db(self) -> Database:
        """What is read."""

    def change(self, change: Callable[[Database], None], /) -> None:
        """Carry out a change in a transaction that waits for all others, and holds them up."""


class Target(Protocol):
    """A store that is being made."""

    @property
    def where(self) -> str:
        """In words for people."""

    @property
    def db(self) -> Database:
        """What is read, and what small changes are made with."""

    def transaction(self, *, safe: bool = False) -> AbstractContextManager[None]:
        """Commit what happens inside, or nothing of it. A `safe` one is on the disk afterwards."""

    def insert(self, table: Table, rows: Sequence[Sequence[Any]], /) -> None:
        """Add rows, inside a transaction."""

    def set_number(self, name: str, last: int, /) -> None:
        """Let the next `message`, `chunk`, `alarm` or `event` have the number after `last`."""

    def clear(self) -> None:
        """Make it empty, whatever it holds of an earlier move."""

    def settle(self) -> None:
        """It is complete: put it in its place, where that is not done yet. May be repeated."""
