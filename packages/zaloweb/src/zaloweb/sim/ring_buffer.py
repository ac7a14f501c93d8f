"""A bounded list of items with rising numbers, read in pages."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class RingBuffer(Generic[T]):
    """The newest `limit` items in order. Adding one takes constant time."""

    def __init__(self, limit: int, number: Callable[[T], int]) -> None:
        self._limit = limit
        self._number = number
        self._items: list[T] = []

    def __len__(self) -> int:
        return min(len(self._items), self._limit)

    def add(self, item: T) -> None:
        """Keep an item whose number is above all others."""
        self._items.append(item)
        if len(self._items) >= 2 * self._limit:  # dropping half at a time keeps adding cheap
            del self._items[: -self._limit or None]

    def before(self, number: int | None, count: int) -> list[T]:
        """The newest `count` items below this number (None: of all), oldest first."""
        end = len(self._items) if number is None else bisect_left(self._items, number, key=self._number)
        start = max(end - count, len(self._items) - self._limit, 0)
        return self._items[start:end]

    def drop(self, number: int) -> None:
        """Remove the item with this number, if there is one."""
        at = bisect_left(self._items, number, key=self._number)
        if at < len(self._items) and self._number(self._items[at]) == number:
            del self._items[at]

    def forget(self, keep: int) -> None:
        """Remove all but the newest `keep` items."""
        del self._items[: max(0, len(self._items) - keep)]
